"""A trained detector's folder that is damaged is refused in one sentence."""

import json

import pytest

from deepfake_adv.training.trained import load_trained

RECORD = {"condition": "NT_c23", "seed": 0, "image_size": 16, "params": {"detector": {"name": "compact", "width": 4}}}


@pytest.mark.parametrize(
    "content",
    [{}, [], None, {**RECORD, "params": []}, {**RECORD, "seed": None}, {**RECORD, "image_size": "16"},
     {**RECORD, "params": {}}, {**RECORD, "params": {"detector": {"width": 4}}}],
)  # fmt: skip
def test_a_record_that_lacks_something_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"run\.json must (hold|have|name) .*; got .*\. (Write|Train) "):
        load_trained(tmp_path)


def test_weights_that_are_missing_are_said(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RECORD))
    with pytest.raises(FileNotFoundError, match="weights must be a safetensors file"):
        load_trained(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"must have run\.json"):
        load_trained(tmp_path / "nothing")


@pytest.mark.parametrize("change", [{"foo": 1}, {"width": "x"}, {"name": None}])
def test_a_detector_of_another_version_is_said(tmp_path, change):
    detector = {**RECORD["params"]["detector"], **change}
    (tmp_path / "run.json").write_text(json.dumps({**RECORD, "params": {"detector": detector}}))
    with pytest.raises(ValueError, match=r"run\.json must name a detector that this version builds; got .*\. Take"):
        load_trained(tmp_path)
