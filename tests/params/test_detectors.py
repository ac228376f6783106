import copy
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from deepfake_adv.params.detectors import DetectorEntry
from deepfake_adv.params.load import read_yaml, validate

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture
def content():
    return copy.deepcopy(read_yaml(PROFILES / "paper.yaml"))


SECTION = TypeAdapter(dict[str, DetectorEntry])


def test_the_paper_profile_has_the_papers_detectors(content):
    detectors = SECTION.validate_python(content["detectors"])
    assert detectors["efficientnet"].model == "tf_efficientnet_b7.ap_in1k"
    assert detectors["xception"].image_size == 299
    for entry in (detectors["efficientnet"], detectors["tsn"].frame):  # the release's
        assert (entry.dropout, entry.drop_path, entry.batchnorm_momentum) == (0.0, 0.2, 0.01)
    assert detectors["tsn"].model_dump()["frame"]["name"] == "efficientnet"


def test_any_model_of_timms_is_an_entry(content):
    entry = {**content["detectors"]["xception"], "name": "timm:vit_small_patch14_dinov2.lvd142m"}
    entry.pop("model")
    content["detectors"]["dino"] = entry
    assert SECTION.validate_python(content["detectors"])["dino"].pretrained is True


@pytest.mark.parametrize(
    ("entry", "changes", "message"),
    [
        ("xception", {"name": "xcption"}, r"detectors\.xception: name must be one of .*\. Did you mean 'xception'"),
        ("xception", {"name": "timm"}, r"detectors\.xception.*name"),
        ("ffd", {"mask_wieght": 1.0}, r"mask_wieght is not a key.*Did you mean 'mask_weight'"),
        ("xception", {"mask_weight": 1.0}, r"mask_weight is not a key; known here: .*, model, name, pretrained"),
        ("ffd", {"map": "pca"}, r"detectors\.ffd.*map"),
        ("multi_attention", {"variant": "v1"}, r"detectors\.multi_attention.*variant"),
        ("efficientnet", {"dropout": 1.0}, r"detectors\.efficientnet.*dropout"),
        ("efficientnet", {"batchnorm_momentum": 0}, r"detectors\.efficientnet.*batchnorm_momentum"),
        ("tsn", {"frame": {"name": "tsn"}}, r"detectors\.tsn.*frame: name must be one of"),
        ("tsn", {"frame": {}}, r"must be a mapping with the key `name`"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named(content, entry, changes, message):
    content["detectors"][entry] |= changes
    with pytest.raises(ValueError, match=message):
        validate(content)


@pytest.mark.parametrize("key", ["pretrained", "image_size", "drop_path", "batchnorm_momentum"])
def test_no_key_may_be_left_out(content, key):
    del content["detectors"]["efficientnet"][key]
    with pytest.raises(ValueError, match=rf"detectors\.efficientnet.*{key} is missing"):
        validate(content)
