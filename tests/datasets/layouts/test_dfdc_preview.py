import json

import pytest

from deepfake_adv.datasets.layouts.registry import build_layout


def test_equal_file_names_of_the_two_methods_stay_apart(trees):
    root, *_ = trees["dfdc_preview"]()
    found = {entry.video: entry for entry in build_layout("dfdc_preview", root, [], {}).videos("native")}
    assert {"DFDCP/method_A_1_2_1_2_A", "DFDCP/method_B_1_2_1_2_A"} <= set(found)
    fake = found["DFDCP/method_A_1_2_1_2_A"]
    assert (fake.target, fake.source, fake.split) == ("1", "2", "train")


def test_what_dataset_json_does_not_say(trees):
    root, *_ = trees["dfdc_preview"]()
    layout = build_layout("dfdc_preview", root, [], {})
    (root / "dataset.json").write_text(json.dumps({"a/b.mp4": {"label": "real", "set": "dev"}}))
    assert next(layout.videos("native")).note == "in set 'dev', neither train nor test"
    (root / "dataset.json").write_text(json.dumps({"a/b.mp4": {"set": "train"}}))
    with pytest.raises(ValueError, match=r"of a/b\.mp4"):
        list(layout.videos("native"))


@pytest.mark.parametrize("content", ["[]", "null", '"videos"'])
def test_dataset_json_of_another_shape(trees, content):
    root, *_ = trees["dfdc_preview"]()
    (root / "dataset.json").write_text(content)
    with pytest.raises(ValueError, match=r"dataset\.json must be an object .*; got .*Take the file as it ships"):
        list(build_layout("dfdc_preview", root, [], {}).videos("native"))
