import json

import pytest

from deepfake_adv.data.layouts.registry import build_layout


def found(root, **options):
    return {entry.video: entry for entry in build_layout("dfdc", root, ["DFDC"], options).videos("native")}


def test_parts_decide_the_split_and_labels_csv_is_test(trees):
    root, *_ = trees["dfdc"]()
    entries = found(root)
    assert {name: entry.split for name, entry in entries.items() if entry.label} == {
        "DFDC/aaf": "train",
        "DFDC/bbf": "val",
        "DFDC/ccf": "test",
        "DFDC/t1": "test",
    }
    assert entries["DFDC/aaf"].target == "aa"
    assert entries["real/t0"].path == "test/videos/t0.mp4"


def test_ranges_can_be_left_out(trees):
    root, *_ = trees["dfdc"]()
    entries = found(root, train=[0, 49], val=[], test=[])
    assert entries["DFDC/ccf"].split == "train"
    assert found(root, test=[])["DFDC/ccf"].note == "in none of the ranges of options.train, val and test"
    with pytest.raises(ValueError, match="35 is in train and val"):
        found(root, train=[0, 35])
    with pytest.raises(ValueError, match=r"options\.val must be \[first, last\]"):
        found(root, val=[3])


def test_videos_that_no_list_names_have_no_label(trees, put):
    root, *_ = trees["dfdc"]()
    put(root, "dfdc_train_part_0/zz.mp4", "test/videos/yy.mp4")
    entries = found(root)
    for name in ("real/zz", "real/yy"):
        assert entries[name].split == ""
        assert entries[name].note.endswith("so of unknown label")


def test_broken_lists(trees):
    root, *_ = trees["dfdc"]()
    labels = root / "test/labels.csv"
    labels.write_text("filename,label\nt0.mp4,REAL\n")
    with pytest.raises(ValueError, match=r"0 \(real\) or 1 \(fake\) of t0\.mp4"):
        found(root)
    labels.write_text("name,class\n")
    with pytest.raises(ValueError, match="must have the columns filename,label"):
        found(root)
    metadata = root / "dfdc_train_part_0/metadata.json"
    metadata.write_text(json.dumps({"aa.mp4": {"label": "?"}}))
    with pytest.raises(ValueError, match=r"of aa\.mp4; got \{'label': '\?'\}"):
        found(root)
    metadata.unlink()
    with pytest.raises(FileNotFoundError, match=r"metadata\.json must be there"):
        found(root)
