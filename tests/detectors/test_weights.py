import pytest
import timm
import torch
from safetensors.torch import save_file

from deepfake_adv.detectors import weights as module
from deepfake_adv.detectors.backbone import TimmDetector
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.detectors.weights import create_backbone

MODEL = "test_efficientnet.r160_in1k"


@pytest.fixture(scope="module")
def trained():
    """Stands in for ImageNet weights: the model with its 1000 classes."""
    torch.manual_seed(7)
    return timm.create_model(MODEL)


@pytest.fixture(params=["model.safetensors", "model.pth"])
def file(request, trained, tmp_path):
    path = tmp_path / request.param
    save = save_file if path.suffix == ".safetensors" else torch.save
    save(trained.state_dict(), path)
    return path


def _same(one, other, but="classifier"):
    return all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items() if but not in key)


def test_a_file_gives_all_layers_but_the_last(file, trained):
    detector = TimmDetector(model=MODEL, pretrained=True, weights=file)
    assert _same(trained, detector.backbone)
    assert detector.eval()(torch.rand(1, 3, 32, 32)).shape == (1, 2)


def test_a_cache_folder_is_read_without_a_network(trained, tmp_path):
    repository = tmp_path / "models--timm--test_efficientnet.r160_in1k"
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    save_file(trained.state_dict(), repository / "snapshots" / "abc" / "model.safetensors")
    assert _same(trained, create_backbone(MODEL, pretrained=True, weights=tmp_path, num_classes=2))


def test_out_of_reach_the_three_ways_are_named(tmp_path, monkeypatch):
    def unreachable(*arguments, **options):
        raise OSError("no route")

    monkeypatch.setattr(module.timm, "create_model", unreachable)
    with pytest.raises(FileNotFoundError) as error:
        create_backbone(MODEL, pretrained=True, weights=tmp_path)
    message = str(error.value)
    for way in ("Connect to the hub", "cache folder", ".safetensors or .pth"):
        assert way in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found nothing at .*absent\.pth"):
        create_backbone(MODEL, pretrained=True, weights=tmp_path / "absent.pth")


def test_another_models_weights_are_refused_not_ignored(tmp_path):
    path = tmp_path / "resnet.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), path)
    with pytest.raises(ValueError, match=r"must be a file of .*; got resnet.safetensors"):
        create_backbone(MODEL, pretrained=True, weights=path, num_classes=2)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "notes.pth"
    path.write_text("no weights")
    with pytest.raises(ValueError, match=r"weights must be a file of tensors; got notes\.pth"):
        create_backbone(MODEL, pretrained=True, weights=path)


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "module.model."])
def test_a_prefix_of_all_names_is_dropped(trained, tmp_path, prefix):
    path = tmp_path / "model.safetensors"
    save_file({prefix + name: value for name, value in trained.state_dict().items()}, path)
    assert _same(trained, create_backbone(MODEL, pretrained=True, weights=path, num_classes=2))


def test_a_head_of_two_classes_is_kept_and_another_starts_at_random(trained, tmp_path):
    two = timm.create_model(MODEL, num_classes=2)
    state = {f"module.{name}": value for name, value in two.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "two.pth")
    detector = build_detector("efficientnet", model=MODEL, pretrained=True, weights=tmp_path / "two.pth")
    assert _same(two, detector.backbone, but="nothing")


@pytest.mark.parametrize(
    ("name", "options"),
    [("multi_attention", {"model": "test_efficientnet", "attention_stage": 4}), ("timm:test_vit", {"image_size": 48})],
)
def test_a_runs_folder_gives_the_whole_detector(tmp_path, name, options):
    """Also what lies outside of timm's model: attention maps, the head on patch tokens."""
    first = build_detector(name, **options)
    save_file({key: value.contiguous() for key, value in first.state_dict().items()}, tmp_path / "detector.safetensors")
    second = build_detector(name, **options, pretrained=True, weights=tmp_path)
    assert _same(first, second, but="nothing")


def test_a_folder_of_runs_is_not_taken_for_the_hubs_cache(tmp_path):
    (tmp_path / "NT_c23/seed0").mkdir(parents=True)
    (tmp_path / "NT_c23/seed0/detector.safetensors").touch()
    with pytest.raises(ValueError, match=r"weights must be the folder of one detector.*NT_c23/seed0\."):
        create_backbone(MODEL, pretrained=True, weights=tmp_path)


def test_weights_without_pretrained_are_a_contradiction(tmp_path):
    with pytest.raises(ValueError, match="weights must be null where pretrained is false"):
        create_backbone(MODEL, pretrained=False, weights=tmp_path)


@pytest.mark.parametrize(
    ("model", "meant"),
    [("tf_efficientnet_b77", "tf_efficientnet_b7"), ("tf_efficientnet_b7.ap_in2k", "tf_efficientnet_b7.ap_in1k")],
)
def test_a_mistyped_model_says_what_was_meant(model, meant):
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        create_backbone(model, pretrained=False)
