import json

import pytest

from deepfake_adv.datasets.layouts.registry import build_layout


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
    with pytest.raises(ValueError, match=r"0 \(real\) or 1 \(fake\) for t0\.mp4"):
        found(root)
    labels.write_text("name,class\n")
    with pytest.raises(ValueError, match="must have the columns filename,label"):
        found(root)
    metadata = root / "dfdc_train_part_0/metadata.json"
    metadata.write_text(json.dumps({"aa.mp4": {"label": "?"}}))
    with pytest.raises(ValueError, match=r"for aa\.mp4; got \{'label': '\?'\}"):
        found(root)
    metadata.unlink()
    with pytest.raises(FileNotFoundError, match=r"metadata\.json must exist"):
        found(root)


@pytest.mark.parametrize("content", ["[]", "null", "3"])
def test_metadata_of_another_shape(trees, content):
    root, *_ = trees["dfdc"]()
    (root / "dfdc_train_part_0/metadata.json").write_text(content)
    with pytest.raises(ValueError, match=r"metadata\.json must be an object .*; got .*Take the file as it ships"):
        found(root)


def test_an_original_that_is_no_name(trees):
    root, *_ = trees["dfdc"]()
    metadata = {"aa.mp4": {"label": "REAL", "original": None}, "aaf.mp4": {"label": "FAKE", "original": 5}}
    (root / "dfdc_train_part_0/metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match=r"must name the original of aaf\.mp4 by its file; got 5"):
        found(root)


def test_labels_that_contradict_each_other(trees):
    root, *_ = trees["dfdc"]()
    labels = root / "test/labels.csv"
    labels.write_text("filename,label\nt0.mp4,0\nt1.mp4,1\nt0.mp4,0\n")
    assert len(found(root)) == 8
    labels.write_text("filename,label\nt0.mp4,0\nt1.mp4,1\nt0.mp4,1\n")
    with pytest.raises(ValueError, match=r"labels\.csv must give t0\.mp4 one label; got '0' and '1'"):
        found(root)


def test_a_quotation_mark_without_an_end(trees):
    root, *_ = trees["dfdc"]()
    (root / "test/labels.csv").write_text('filename,label\n"t0.mp4,0\n' + "t1.mp4,1\n" * 20_000)
    with pytest.raises(ValueError, match=r"labels\.csv must be a CSV file; got: .* never closed"):
        found(root)


def test_a_part_in_the_wrong_case_is_taken_with_a_warning(trees, caplog):
    root, *_ = trees["dfdc"]()
    (root / "dfdc_train_part_0").rename(root / "DFDC_train_part_0")
    assert found(root)["DFDC/aaf"].path == "DFDC_train_part_0/aaf.mp4"
    assert "dfdc_train_part_0 is written DFDC_train_part_0 here" in caplog.text


def test_a_part_in_two_places(trees, put):
    root, *_ = trees["dfdc"]()
    put(root, "train/dfdc_train_part_35/bb.mp4")
    with pytest.raises(ValueError, match=r"must be in one place; got .*part_35 and .*train/dfdc_train_part_35"):
        found(root)
