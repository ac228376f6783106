import shutil
from dataclasses import replace

import numpy as np
import pytest

from deepfake_adv.datasets import inventory, probing
from deepfake_adv.datasets.inventory import inventory_datasets
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.datasets.videos import read_rows
from deepfake_adv.video.encode import write_h264

HERE = {"engine": "local", "workers": 1, "address": None}
FAKES = "manipulated_sequences/Deepfakes/c23/videos"
REALS = "original_sequences/youtube/c23/videos"


@pytest.fixture
def stock(part, tmp_path):
    """Run the complete stage; returns its folder."""

    def run(*parts, **settings):
        chosen = {"min_frames": 10, "missing_is_fatal": True, "contradictions_are_fatal": True}
        chosen |= {"max_unreadable_share": 0.0, "execution": HERE}
        inventory_datasets(parts or [part], tmp_path / "inventory", memory=tmp_path / "memory", **chosen | settings)
        return tmp_path / "inventory"

    return run


def test_tables_and_reports(stock, root):
    folder = stock()
    assert len(read_rows(folder / "ff/c23.csv")) == 12
    header, *lines = (folder / "report.csv").read_text().splitlines()
    counted = "present,expected,missing,unreadable,empty,duplicate,contradictory,too_short,too_large"
    assert header == f"dataset,quality,forgery,{counted}"
    assert lines == ["ff,c23,real,6,6,0,0,0,0,0,0,0", "ff,c23,DF,6,6,0,0,0,0,0,0,0"]


def test_unchanged_tables_are_not_written_again(stock):
    table = stock() / "ff/c23.csv"
    before = table.stat().st_mtime_ns
    stock()
    assert table.stat().st_mtime_ns == before


def test_a_table_of_a_removed_part_is_deleted_and_other_files_stay(stock):
    folder = stock()
    (folder / "ff/c40.csv").write_bytes((folder / "ff/c23.csv").read_bytes())
    (folder / "ff/notes.csv").write_text("the,user's\n")
    stock()
    assert sorted(path.name for path in (folder / "ff").iterdir()) == ["c23.csv", "notes.csv"]


def test_facts_that_other_code_found_are_probed_again(stock, monkeypatch):
    looked = []
    probe = probing.probe
    monkeypatch.setattr(probing, "probe", lambda path: looked.append(path) or probe(path))
    folder = stock()
    assert len(looked) == 12
    stock()
    assert len(looked) == 12
    for module in (inventory, probing):
        monkeypatch.setattr(module, "probing_code", lambda: "other code")
    stock()
    assert len(looked) == 24
    assert (folder / "code.txt").read_text() == "other code\n"
    stock()
    assert len(looked) == 24


def test_a_kept_table_keeps_the_name_of_its_code(stock, root, tmp_path, monkeypatch):
    folder = stock()
    before = (folder / "code.txt").read_text()
    root.rename(tmp_path / "unplugged")
    monkeypatch.setattr(inventory, "probing_code", lambda: "other code")
    stock(missing_is_fatal=False)
    assert (folder / "code.txt").read_text() == before


def test_missing_videos_are_fatal_or_tolerated_and_listed(stock, root, tmp_path):
    (root / FAKES / "002_003.mp4").unlink()
    with pytest.raises(ValueError, match=r"ff at c23: all videos must exist; 1 are missing \(DF 1\)"):
        stock()
    folder = stock(missing_is_fatal=False)
    line = f"ff,c23,DF,DF/002_003,{FAKES}/002_003.mp4,"
    assert line in (folder / "missing.csv").read_text().splitlines()
    assert "ff,c23,DF,5,6,1,0,0,0,0,0,0" in (folder / "report.csv").read_text()


def test_too_many_unreadable_are_fatal(stock, root):
    (root / FAKES / "002_003.mp4").write_bytes(b"x" * 99)
    with pytest.raises(ValueError, match=r"at most 5\.0% of the videos .* got 1 of 12, such as .*002_003\.mp4"):
        stock(max_unreadable_share=0.05)
    stock(max_unreadable_share=0.1)


def test_a_missing_quality_names_the_first_place_looked_at(stock, part):
    with pytest.raises(ValueError, match=r"ff at c40: there must be videos; got none, looked for .*c40/videos/000"):
        stock(part, replace(part, quality="c40"), missing_is_fatal=False)


def test_no_dataset_at_all_is_one_message(stock, part, tmp_path):
    absent = PartOnDisk("celeb", "native", build_layout("celebdf", tmp_path / "celeb", [], {}))
    gone = build_layout("faceforensics", tmp_path / "gone", ["DF"], {"splits": "x"})
    with pytest.raises(ValueError, match=r"datasets\.big \(c23, c40\) must be on disk; looked in .*gone") as caught:
        stock(part, absent, PartOnDisk("big", "c23", gone), PartOnDisk("big", "c40", gone))
    message = str(caught.value)
    assert message.count("must be on disk") == 2
    assert "github.com/ondyari/FaceForensics" in message
    assert "github.com/yuezunli/celeb-deepfakeforensics" in message
    assert (tmp_path / "inventory/ff/c23.csv").exists()  # what is there is not lost


def test_a_clone_without_videos_goes_on_with_the_committed_table(stock, root, tmp_path, caplog):
    folder = stock()
    before = (folder / "ff/c23.csv").read_text()
    root.rename(tmp_path / "unplugged")
    with pytest.raises(ValueError, match="must be on disk"):
        stock()
    stock(missing_is_fatal=False)
    assert (folder / "ff/c23.csv").read_text() == before
    assert "its earlier inventory is kept" in caplog.text


def test_a_copy_of_a_fake_that_is_listed_as_real_is_fatal_or_left_out_with_it(stock, root):
    shutil.copy(root / FAKES / "000_001.mp4", root / REALS / "003.mp4")
    with pytest.raises(ValueError, match=r"a video must have one label; got 2 whose copies .*003\.mp4") as caught:
        stock()
    assert "which is labelled fake" in str(caught.value)
    assert "set inventory.contradictions to tolerated" in str(caught.value)
    folder = stock(contradictions_are_fatal=False)
    rows = {row.video: row for row in read_rows(folder / "ff/c23.csv")}
    assert [rows[name].status for name in ("real/003", "DF/000_001")] == ["contradictory"] * 2
    assert rows["real/003"].note == "same content as DF/000_001, which is labelled fake"
    assert not rows["real/003"].usable
    assert "ff,c23,real,6,6,0,0,0,0,1,0,0" in (folder / "report.csv").read_text()


def test_labels_that_contradict_across_datasets(stock, root, part, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for name, source in (("a", "000_001"), ("b", "000_001"), ("c", "001_000")):
        shutil.copy(root / FAKES / f"{source}.mp4", own / f"{name}.mp4")
    (own / "videos.csv").write_text("path,label\na.mp4,real\nb.mp4,real\nc.mp4,fake\n")
    other = PartOnDisk("own", "native", build_layout("csv", own, [], {}))
    with pytest.raises(ValueError, match=r"(?s)ff at c23: a video must .*own at native: a video must .*; got 2"):
        stock(part, other)
    stock(part, other, contradictions_are_fatal=False)
    rows = {row.video: row for row in read_rows(tmp_path / "inventory/own/native.csv")}
    assert {name: row.status for name, row in rows.items()} == {
        "real/a": "contradictory", "real/b": "contradictory", "other/c": "ok"
    }  # fmt: skip
    assert rows["real/b"].note == "same content as DF/000_001 in ff-c23, which is labelled fake"


def test_one_part_twice(stock, part):
    with pytest.raises(ValueError, match="parts must each be another dataset or quality; got ff-c23 twice"):
        stock(part, part)


def test_a_damaged_table_is_written_again(stock, caplog):
    folder = stock()
    (folder / "ff/c23.csv").write_text("nonsense\n")
    assert len(read_rows(stock() / "ff/c23.csv")) == 12
    assert "it is written again" in caplog.text


@pytest.mark.parametrize("name", ["ff/c23.csv", "report.csv"])
def test_files_that_are_no_text_are_written_again(stock, name):
    path = stock() / name
    before = path.read_bytes()
    path.write_bytes(before + b"caf\xe9")
    stock()
    assert path.read_bytes() == before


def test_published_numbers_count_as_expected(tmp_path, stock):
    root = tmp_path / "dfd"
    write_h264(root / "original_sequences/actors/c23/videos/24__talk.mp4", [np.zeros((24, 16), np.uint8)] * 12, crf=40)
    part = PartOnDisk("dfd", "c23", build_layout("dfd", root, [], {}))
    folder = stock(part, missing_is_fatal=False)
    assert "dfd,c23,DFD,0,3068,3068,0,0,0,0,0,0" in (folder / "report.csv").read_text()
    assert "dfd,c23,real,,,362 more of the 363 published" in (folder / "missing.csv").read_text()


def test_a_validation_set_of_one_class_is_reported_before_anything_is_extracted(stock, root):
    for name in ("002_003", "003_002"):
        (root / FAKES / f"{name}.mp4").unlink()
    trained = {"baseline": ("c23", ["DF_c23"])}
    with pytest.raises(ValueError, match=r"DF_c23, trained on by baseline, must have .* in split val; got no fake"):
        stock(missing_is_fatal=False, trained=trained)
    stock(missing_is_fatal=False)


def test_what_else_would_stop_the_data_path_is_reported_with_the_datasets_errors(stock, root):
    (root / FAKES / "002_003.mp4").unlink()
    with pytest.raises(ValueError, match="1 are missing") as caught:
        stock(beside=["face_alignment must find its weights"])
    assert "  - face_alignment must find its weights" in str(caught.value)
    with pytest.raises(ValueError, match="must find its weights"):
        stock(missing_is_fatal=False, beside=["face_alignment must find its weights"])
