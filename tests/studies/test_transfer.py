import pytest
import torch
from torch import nn

from deepfake_adv.studies.transfer import _share, adversarial_accuracy, settings

READINGS = {"relative": {"rule": "relative", "epsilon": 0.5}, "raw": {"rule": "raw", "epsilon": 0.1}}
FACTS = {
    "table_reading": "raw",
    "fgsm_epsilon": 24 / 255,
    "pgd_steps": 3,
    "kernel_size": 5,
    "kernel_sizes": [3, 5],
    "starts": [0.1, 1, 10],
}


@pytest.fixture(scope="module")
def problem():
    """Three classes of stripes, learnt by two small networks."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    waves = torch.sin(torch.arange(24) * torch.tensor([0.5, 1.2, 2.2])[:, None])
    images = 0.5 + 0.1 * waves[labels][:, None, None, :] + 0.08 * torch.randn(90, 3, 24, 24, generator=generator)
    images = (images.clamp(0, 1) * 255).byte()
    networks = {}
    for seed, name in enumerate(("a", "b")):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 3)
        )
        optimiser = torch.optim.Adam(net.parameters(), 0.02)
        for _ in range(60):
            loss = nn.functional.cross_entropy(net(images.float() / 255), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        networks[name] = net.eval()
    return networks, images, labels


def test_every_setting_of_the_tables_is_there_once():
    found = settings(READINGS, **FACTS)
    facts = [tuple(sorted((key, str(value)) for key, value in setting.facts.items())) for setting in found]
    assert len(facts) == len(set(facts))
    blur = [s.facts for s in found if s.facts["attack"] == "blur" and s.facts["reading"] == "raw"]
    assert {(f["kernel_size"], f["sigma"], f["steps"]) for f in blur} == {
        (5, 0.1, 1), (5, 1, 1), (5, 10, 1), (3, 1, 1), (5, 1, 3)
    }  # fmt: skip
    assert {s.facts["extra"] for s in found if s.facts.get("reading") == "relative"} == {True}
    assert not any(s.facts.get("extra") for s in found if s.facts.get("reading") != "relative")
    assert [s.attack.start for s in found if s.facts.get("sigma") == 10] == [0.1, 0.1]


def test_attacks_lower_accuracy_most_on_their_own_source(problem):
    networks, images, labels = problem
    cells = adversarial_accuracy(networks, images, labels, settings(READINGS, **FACTS), batch_size=40, seed=0)
    clean = {cell["victim"]: cell["accuracy"] for cell in cells if cell["attack"] == "none"}
    assert all(value > 0.9 for value in clean.values())
    fgsm = {(c["source"], c["victim"]): c["accuracy"] for c in cells if c["attack"] == "fgsm"}
    assert set(fgsm) == {(s, v) for s in networks for v in networks}
    for name in networks:
        assert fgsm[name, name] < clean[name]
    own = sum(fgsm[name, name] for name in networks)
    other = sum(fgsm[s, v] for s, v in fgsm if s != v)
    assert own <= other
    assert all(cell["images"] == 90 for cell in cells)


def test_accuracy_does_not_depend_on_the_batch(problem):
    networks, images, labels = problem
    one, two = (
        adversarial_accuracy(networks, images, labels, settings({}, **FACTS)[:1], batch_size=size, seed=0)
        for size in (7, 90)
    )
    assert one == two


def test_intervals_hold_the_share_and_agree_with_a_table():
    # Wilson's interval for 8 of 10: 0.4902 to 0.9433
    cell = _share(8, 10)
    assert cell["low"] == pytest.approx(0.4902, abs=1e-4)
    assert cell["high"] == pytest.approx(0.9433, abs=1e-4)
    assert _share(0, 5)["low"] == 0
    assert _share(5, 5)["high"] == 1
