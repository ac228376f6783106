import copy
from pathlib import Path

import pytest

from deepfake_adv.params.entries import complete
from deepfake_adv.params.load import read_yaml, validate

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture
def content():
    return copy.deepcopy(read_yaml(PROFILES / "paper.yaml"))


def test_the_paper_profile_has_the_papers_detectors(content):
    detectors = {name: complete("detector", entry) for name, entry in content["detectors"].items()}
    assert detectors["efficientnet"]["model"] == "tf_efficientnet_b7.ap_in1k"
    assert detectors["xception"]["image_size"] == 299
    for entry in (detectors["efficientnet"], detectors["tsn"]["frame"]):  # the release's
        assert (entry["dropout"], entry["drop_path"], entry["batchnorm_momentum"]) == (0.0, 0.2, 0.01)
    assert detectors["tsn"]["frame"]["name"] == "efficientnet"


def test_any_model_of_timms_is_an_entry(content):
    content["detectors"]["dino"] = {"name": "timm:vit_small_patch14_dinov2.lvd142m", "pretrained": True}
    validate(content)
    found = complete("detector", content["detectors"]["dino"])
    assert found["pretrained"] is True
    assert (found["weights"], found["image_size"], "model" in found) == (None, None, False)
    content["detectors"]["dino"]["model"] = "resnet18"
    with pytest.raises(ValueError, match=r"detectors\.dino: model must be given in the name alone; got 'resnet18'"):
        validate(content)


@pytest.mark.parametrize(
    ("entry", "changes", "message"),
    [
        ("xception", {"name": "xcption"}, r"detectors\.xception: name must be one of .*\. Did you mean 'xception'"),
        ("xception", {"name": "timm"}, r"detectors\.xception.*name"),
        ("ffd", {"mask_wieght": 1.0}, r"mask_wieght is not a key.*Did you mean 'mask_weight'"),
        ("xception", {"mask_weight": 1.0}, r"mask_weight is not a key; known here: .*, model, pretrained"),
        ("ffd", {"map": "pca"}, r"detectors\.ffd.*map"),
        ("multi_attention", {"variant": "v1"}, r"detectors\.multi_attention.*variant"),
        ("efficientnet", {"dropout": 1.0}, r"detectors\.efficientnet.*dropout"),
        ("efficientnet", {"batchnorm_momentum": 0}, r"detectors\.efficientnet.*batchnorm_momentum"),
        ("tsn", {"frame": {"name": "tsn"}}, r"detectors\.tsn.*frame: must be a detector of single frames; got 'tsn'"),
        ("tsn", {"frame": {}}, r"must be a mapping with the key `name`"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named(content, entry, changes, message):
    content["detectors"][entry] |= changes
    with pytest.raises(ValueError, match=message):
        validate(content)


def test_a_name_is_an_entry(content):
    content["detectors"]["own"] = {"name": "compact"}
    validate(content)
    assert complete("detector", {"name": "compact"}) == {
        "name": "compact", "width": 24, "dropout": 0.0, "image": False, "image_size": None, "weights": None
    }  # fmt: skip


def test_a_key_that_must_be_there_is_explained(content):
    del content["detectors"]["tsn"]["frame"]
    words = r"detectors\.tsn\.frame is missing\. It is: The detector of single .* See Tsn\.Params in deepfake_adv/detec"
    with pytest.raises(ValueError, match=words):
        validate(content)
