import pytest

from deepfake_adv.datasets.videos import (
    COLUMNS,
    VideoRow,
    format_ranges,
    format_rows,
    join_notes,
    parse_ranges,
    read_rows,
)

ROW = VideoRow(
    "NT/000_001", 1, "NT", "train", "000", "001", 'a, "b".mp4', "", 12, "ab", 30, 23.976, 48, 32, "ok", "ä; ö"
)


def test_rows_come_back_as_they_went(tmp_path):
    path = tmp_path / "c23.csv"
    path.write_text(format_rows([ROW]), encoding="utf-8")
    assert read_rows(path) == [ROW]
    assert path.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)


def test_the_columns_are_those_that_later_stages_read():
    assert ",".join(COLUMNS) == (
        "video,label,forgery,split,target,source,path,mask_path,bytes,fingerprint,frames,fps,width,height,status,note,"
        "taken"
    )


@pytest.mark.parametrize(
    ("positions", "text"), [([0, 1, 2, 5, 7, 8], "0-2 5 7-8"), ([4], "4"), (range(270), "0-269"), ([], "none")]
)
def test_positions_come_back_as_they_went(positions, text):
    assert format_ranges(positions) == text
    assert parse_ranges(text) == list(positions)


def test_only_complete_videos_in_a_split_are_usable():
    assert ROW.usable
    assert not ROW.with_status("duplicate", "of x").usable
    assert ROW.with_status("duplicate", "of x").note == "ä; ö; of x"
    assert join_notes("", "a", "", "b") == "a; b"


def test_files_that_are_no_inventory(tmp_path):
    path = tmp_path / "c23.csv"
    with pytest.raises(FileNotFoundError, match=r"Run `dvc repro outside/dvc\.yaml:inventory`"):
        read_rows(path)
    path.write_text("video,label\n")
    with pytest.raises(ValueError, match="must have the columns"):
        read_rows(path)
    path.write_text(format_rows([ROW]).replace(",30,", ",many,"))
    with pytest.raises(ValueError, match="line 2 is not"):
        read_rows(path)
    path.write_text(format_rows([ROW])[:-25] + "\n")
    with pytest.raises(ValueError, match="line 2 is not"):
        read_rows(path)


@pytest.mark.parametrize(("old", "new"), [("NT/000_001", "NT/../../x"), ("NT,train", "../x,train"), ("NT/0", "/NT/0")])
def test_an_inventory_whose_names_lead_elsewhere(tmp_path, old, new):
    path = tmp_path / "c23.csv"
    path.write_text(format_rows([ROW]).replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2 is not .*must be a name that stays in the folder"):
        read_rows(path)
