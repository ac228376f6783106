"""A trained detector's folder that is damaged is refused in one sentence."""

import json

import pytest
import torch

from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import sha256, write_json
from deepfake_adv.training.checkpoint import WEIGHTS, save_weights
from deepfake_adv.training.trained import load_trained

RECORD = {"condition": "NT_c23", "seed": 0, "image_size": 16, "params": {"detector": {"name": "compact", "width": 4}}}
RECORD |= {"files": {"detector.safetensors": "0" * 64}}


@pytest.mark.parametrize(
    "content",
    [{}, [], None, {**RECORD, "params": []}, {**RECORD, "seed": None}, {**RECORD, "image_size": "16"},
     {**RECORD, "params": {}}, {**RECORD, "files": None}, {**RECORD, "params": {"detector": {"width": 4}}}],
)  # fmt: skip
def test_a_record_that_lacks_something_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"run\.json must (hold|have|name) .*; got .*\. (Write|Train) "):
        load_trained(tmp_path)


def test_weights_that_are_missing_are_reported(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RECORD))
    with pytest.raises(FileNotFoundError, match="weights must be a safetensors file"):
        load_trained(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"must have run\.json"):
        load_trained(tmp_path / "nothing")


@pytest.mark.parametrize("change", [{"foo": 1}, {"width": "x"}, {"name": None}])
def test_a_detector_of_another_version_is_reported(tmp_path, change):
    detector = {**RECORD["params"]["detector"], **change}
    (tmp_path / "run.json").write_text(json.dumps({**RECORD, "params": {"detector": detector}}))
    with pytest.raises(ValueError, match=r"run\.json must name a detector that this version builds; got .*\. Take"):
        load_trained(tmp_path)


@pytest.mark.parametrize("place", [20, -1], ids=["header", "value"])
def test_a_flipped_byte_in_a_copied_checkpoint_is_refused(tmp_path, place):
    entry = RECORD["params"]["detector"]
    save_weights(tmp_path / WEIGHTS, build_detector(**entry))
    write_json(tmp_path / "run.json", {**RECORD, "files": {WEIGHTS: sha256(tmp_path / WEIGHTS)}})
    assert isinstance(load_trained(tmp_path).detector, torch.nn.Module)
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[place] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(ValueError, match=r"weights must be those that were trained .*; got .*\. Copy the folder again"):
        load_trained(tmp_path)
