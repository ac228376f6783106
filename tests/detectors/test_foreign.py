"""Other people's networks: any module in a file of the user's own."""

import pytest
import torch
from safetensors.torch import save_file

from deepfake_adv.detectors import foreign
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.params.entries import completed
from deepfake_adv.registry import module_of

CODE = """
import torch
from torch import nn
from deepfake_adv.detectors.compact import Compact

def make(classes=2, squeeze=False):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))
    return nn.Sequential(net, nn.Flatten(0)) if squeeze else net

def detector(width):
    return Compact(width=width)

def nothing():
    return 3

class Pair(nn.Module):
    def forward(self, images):
        return images, images

constant = 3
"""
IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch, request):
    """Name of a module with the code in the project's folder; each test has one of its own."""
    name = f"mine_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    (tmp_path / "broken.py").write_text("import no_such_thing\n")
    (tmp_path / "json.py").write_text("make = dict\n")
    monkeypatch.setattr(foreign, "ROOT", tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere", *__import__("sys").path, str(tmp_path)])
    return name


@pytest.mark.parametrize("arguments", [{}, {"classes": 1}, {"classes": 1, "squeeze": True}])
def test_logits_of_one_class_or_two_become_two(mine, arguments):
    torch.manual_seed(0)
    detector = build_detector(f"py:{mine}:make", arguments=arguments).eval()
    found, raw = detector(IMAGES), detector.net(IMAGES)
    expected = raw if raw.shape == (2, 2) else torch.stack([torch.zeros(2), raw.reshape(-1)], 1)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("classes", [1, 2])
def test_the_class_that_is_fake_may_be_the_first(mine, classes):
    torch.manual_seed(0)
    one = build_detector(f"py:{mine}:make", arguments={"classes": classes})
    torch.manual_seed(0)
    other = build_detector(f"py:{mine}:make", arguments={"classes": classes}, fake=0)
    assert torch.equal(one(IMAGES), other(IMAGES).flip(1))


def test_images_arrive_as_the_entry_says(mine):
    detector = build_detector(f"py:{mine}:make", mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    normalised = (IMAGES - detector.mean) / torch.tensor([0.5, 0.6, 0.7]).view(1, 3, 1, 1)
    assert torch.equal(detector(IMAGES), detector.net(normalised))
    assert torch.equal(build_detector(f"py:{mine}:make").features(IMAGES), IMAGES)


def test_a_detector_is_used_as_it_is(mine):
    detector = build_detector(f"py:{mine}:detector", arguments={"width": 4})
    assert detector.feature_channels == detector.net.feature_channels
    assert torch.equal(detector.eval().features(IMAGES), detector.net.features(IMAGES))
    with pytest.raises(ValueError, match=r"mean must not be given for py:.*:detector, which makes a Detector"):
        build_detector(f"py:{mine}:detector", arguments={"width": 4}, mean=(0.5, 0.5, 0.5))


def test_it_starts_from_the_weights_that_its_authors_left(mine, tmp_path):
    torch.manual_seed(5)
    theirs = build_detector(f"py:{mine}:make").net
    save_file({f"module.{name}": value for name, value in theirs.state_dict().items()}, tmp_path / "their.safetensors")
    ours = build_detector(f"py:{mine}:make", weights=tmp_path / "their.safetensors")
    assert torch.equal(ours.net(IMAGES), theirs(IMAGES))


def test_an_entry_of_params_is_complete(mine):
    found = completed("detector", {"name": f"py:{mine}:make", "arguments": {"classes": 1}})
    assert (found["name"], found["arguments"], "model" in found) == (f"py:{mine}:make", {"classes": 1}, False)
    assert module_of(found["name"]) == mine
    assert module_of("timm:resnet18") is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("py:absent:make", {}, r"got 'py:absent:make', and there is no absent\.py in .*\. Put it there"),
        ("py:{mine}", {}, r"name must be py:<module>:<factory>; got 'py:mine_\d+'\. Write py:mine:make"),
        ("py:../x:make", {}, r"name must be py:<module>:<factory>"),
        ("py:{mine}:mak", {}, r"has no mak\. Did you mean 'make'"),
        ("py:{mine}:constant", {}, r"must name a function or a class"),
        ("py:{mine}:nothing", {}, r"must return a torch module; got int\. Return the network"),
        ("py:{mine}:make", {"arguments": {"depth": 3}}, r"must make a network of `arguments`; got TypeError: .*depth"),
        ("py:broken:make", {}, r"can be imported; got ModuleNotFoundError: .*no_such_thing.*\. Correct broken\.py"),
        ("py:json:make", {}, r"must be the module in the project's folder; got .*json.*, which has the same name"),
    ],
)
def test_what_is_wrong_is_one_sentence(mine, name, options, message):
    with pytest.raises(ValueError, match=message):
        build_detector(name.format(mine=mine), **options)


@pytest.mark.parametrize("name", ["py:{mine}:make", "py:{mine}:Pair"])
def test_other_outputs_than_logits_are_refused(mine, name):
    arguments = {"classes": 3} if name.endswith("make") else {}
    with pytest.raises(ValueError, match=r"must give logits \(B, 2\), \(B, 1\) or \(B,\); got .* for 2 images"):
        build_detector(name.format(mine=mine), arguments=arguments)(IMAGES)
