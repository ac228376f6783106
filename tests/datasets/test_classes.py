from dataclasses import replace

import pytest

from deepfake_adv.datasets.classes import one_class_errors
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.datasets.videos import VideoRow

ROW = VideoRow("real/0", 0, "real", "train", "0", "", "0.mp4", "", 12, "ab", 30, 25.0, 48, 32, "ok", "")


def video(name, split, **changes):
    forgery = name.partition("/")[0]
    return replace(ROW, video=name, split=split, forgery=forgery, label=int(forgery != "real"), **changes)


def both(forgery="NT"):
    return [video(f"{kind}/{split}", split) for split in ("train", "val", "test") for kind in ("real", forgery)]


def errors(tables, trained):
    parts = [PartOnDisk(*name.split("-"), layout=None) for name in tables]
    return one_class_errors(parts, list(tables.values()), trained)


def test_both_classes_are_no_error_nor_is_a_test_set_of_one():
    rows = [row for row in both() if (row.split, row.label) != ("test", 1)]
    assert errors({"ff-c23": rows, "wild-native": [video("real/x", "test")]}, {"a": ("c23", ["NT_c23"])}) == []


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_fakes_or_reals_is_reported_with_its_runs(split):
    trained = {"a": ("c23", ["NT_c23"]), "b": ("all", ["NT_c23"]), "c": ("c23", ["NT_c23"])}
    one, other = errors({"ff-c23": [r for r in both() if (r.split, r.label) != (split, 1)]}, trained)
    assert one.startswith(f"NT_c23, trained on by a, c, must have real and fake videos in split {split}; got no fake,")
    assert "trained on by b," in other
    (error, _) = errors({"ff-c23": [r for r in both() if (r.split, r.label) != (split, 0)]}, trained)
    assert "got 1 fake and no real of ff" in error


def test_reals_of_another_dataset_or_quality_do_not_help():
    fakes = [row for row in both() if row.label]
    reals = [row for row in both() if not row.label]
    assert len(errors({"ff-c23": fakes, "own-c23": reals}, {"a": ("all", ["NT_c23"])})) == 2
    assert len(errors({"ff-c23": fakes, "ff-c40": reals}, {"a": ("all", ["NT_all"])})) == 2
    assert len(errors({"ff-c23": both("DF")}, {"a": ("all", ["FF_c23"]), "b": ("all", ["NT_c23"])})) == 2


def test_what_no_later_stage_takes_does_not_count():
    rows = [replace(row, status="duplicate") if (row.split, row.label) == ("val", 1) else row for row in both()]
    (error,) = errors({"ff-c23": rows}, {name: ("c23", ["NT_c23"]) for name in "abcde"})
    assert "trained on by a, b, c and 2 more," in error
    (nothing, _) = errors({"ff-c23": []}, {"a": ("c23", ["NT_c23"])})
    assert "got no video at all in tier c23" in nothing
