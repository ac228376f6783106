import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.pictures import Pictures
from deepfake_adv.studies.transfer import Transfer, _share, settings

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
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    waves = torch.sin(torch.arange(24) * torch.tensor([0.5, 1.2, 2.2])[:, None])
    images = 0.5 + 0.1 * waves[labels][:, None, None, :] + 0.08 * torch.randn(90, 3, 24, 24, generator=rng)
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
    pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
    names = pa.array([f"picture {number}" for number in range(90)])
    return networks, Pictures(lambda places: pixels[places], 24, labels.numpy(), names, ["a", "b", "c"])


def cells_of(problem, attacks, folder, *, batch_size):
    networks, pictures = problem
    transfer = Transfer(networks, pictures, attacks, batch_size, seed=0)
    blocks = Blocks(folder, len(pictures), batch_size)
    blocks.fill(pictures.decode, transfer.judge, desc="attack", workers=2)
    return transfer.cells(blocks)


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
    assert [s.attack.params.start for s in found if s.facts.get("sigma") == 10] == [0.1, 0.1]


def test_attacks_lower_accuracy_most_on_their_own_source(problem, tmp_path):
    networks, _ = problem
    cells = cells_of(problem, settings(READINGS, **FACTS), tmp_path, batch_size=40)
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


def test_accuracy_does_not_depend_on_the_batch_nor_do_random_starts(problem, tmp_path):
    attacks = settings({}, **FACTS)  # FGSM, and PGD with its random start
    one, two = (cells_of(problem, attacks, tmp_path / str(size), batch_size=size) for size in (7, 90))
    assert one == two
    assert len(one) == 2 + 2 * 2 * 2


def test_an_attacked_picture_does_not_depend_on_its_batch(problem):
    networks, pictures = problem
    attacks = settings(READINGS, **FACTS)
    transfer = Transfer(networks, pictures, attacks, 30, seed=0)
    together = transfer.judge(np.arange(30), pictures.decode(np.arange(30)))
    alone = [transfer.judge(np.array([k]), pictures.decode(np.array([k]))) for k in range(30)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_intervals_hold_the_share_and_agree_with_a_table():
    # Wilson's interval for 8 of 10: 0.4902 to 0.9433
    cell = _share(8, 10)
    assert cell["low"] == pytest.approx(0.4902, abs=1e-4)
    assert cell["high"] == pytest.approx(0.9433, abs=1e-4)
    assert _share(0, 5)["low"] == 0
    assert _share(5, 5)["high"] == 1
