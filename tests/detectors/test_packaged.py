import hashlib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
import timm
import torch
from sklearn.datasets import load_sample_image
from torch.nn import functional

from deepfake_adv.detectors import packaged as module
from deepfake_adv.detectors.packaged import PACKAGED, Packaged, packaged_weights, timm_names
from deepfake_adv.detectors.weights import create_backbone

PALACE = 698  # of ImageNet's classes
LITE = "tf_efficientnet_lite0"
TRUNK = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
FIRST = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
OTHERS = {
    "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv",
    "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2",
}  # fmt: skip


def as_the_package_names_them(model):
    """The other direction of the translation, written from timm's side: blocks counted through."""
    state, blocks = {}, []
    for name, value in model.state_dict().items():
        parts = name.split(".")
        if parts[0] != "blocks":
            state[".".join([TRUNK[parts[0]], *parts[1:]])] = value
            continue
        if parts[1:3] not in blocks:
            blocks.append(parts[1:3])
        index = blocks.index(parts[1:3])
        layer = (FIRST if index == 0 else OTHERS)[parts[3]]
        state[".".join(["_blocks", str(index), layer, *parts[4:]])] = value
    return state


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(3)
    return timm.create_model(LITE)


@pytest.fixture
def installed(trained, tmp_path, monkeypatch):
    """A package with random weights in the place of the real one."""
    folder = tmp_path / "lite0-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: lite0\nVersion: 0.1.0\n")
    file = tmp_path / "weights.pth"
    torch.save(as_the_package_names_them(trained), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "PACKAGED", {LITE: Packaged("lite0", "weights.pth", digest)})
    return file


@pytest.mark.parametrize("model", sorted(PACKAGED))
def test_every_tensor_finds_its_name(model):
    with torch.device("meta"):
        built = timm.create_model(model)
    renamed = timm_names(as_the_package_names_them(built), [len(stage) for stage in built.blocks])
    wanted = built.state_dict()
    assert list(renamed) == list(wanted)
    assert all(renamed[name] is value or renamed[name].shape == value.shape for name, value in wanted.items())


def test_all_layers_but_the_last_come_from_the_package(installed, trained):
    built = create_backbone(LITE, pretrained=True, weights="package", num_classes=2)
    own = built.state_dict()
    assert built.classifier.out_features == 2
    for name, value in trained.state_dict().items():
        assert "classifier" in name or torch.equal(value, own[name]), name


def test_with_a_thousand_classes_the_head_comes_too(installed, trained):
    built = create_backbone(f"{LITE}.in1k", pretrained=True, weights="package")
    assert torch.equal(built.classifier.weight, trained.classifier.weight)


def test_a_changed_file_is_refused(installed):
    content = bytearray(installed.read_bytes())
    content[len(content) // 2] ^= 1
    installed.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pth must have the SHA-256 .*Install lite0 again"):
        packaged_weights(LITE)


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(module, "PACKAGED", {LITE: Packaged("no-such-package", "x.pth", "")})
    with pytest.raises(FileNotFoundError, match=r"found no package no-such-package\. Run `make setup-weights`"):
        create_backbone(LITE, pretrained=True, weights="package")


def test_a_model_without_a_package_is_refused():
    with pytest.raises(ValueError, match="must not be 'package' for resnet18; only tf_efficientnet_lite0, "):
        create_backbone("resnet18", pretrained=True, weights="package")


def test_a_name_that_is_not_the_packages_is_refused():
    with pytest.raises(ValueError, match=r"got the tensor 'stem\.weight'"):
        timm_names({"stem.weight": torch.zeros(1)}, [1])


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(PACKAGED))
def test_the_real_packages_fit(model):
    try:
        distribution(PACKAGED[model].distribution)
    except PackageNotFoundError:
        pytest.skip(f"{PACKAGED[model].distribution} is not installed; `make setup-weights` brings it")
    built = create_backbone(model, pretrained=True, weights="package").eval()
    side = built.default_cfg["input_size"][-1]
    temple = torch.tensor(load_sample_image("china.jpg")).permute(2, 0, 1)[None, :, :, 106:533] / 255
    image = functional.interpolate(temple, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
    with torch.no_grad():
        scores = built((image - 0.5) / 0.5).softmax(1)[0]
    assert int(scores.argmax()) == PALACE
    assert scores[PALACE] > 0.2
