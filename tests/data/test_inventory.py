import json
import os
import shutil
import time
from dataclasses import replace

import av
import numpy as np
import pytest

from deepfake_adv.data import completeness, probing
from deepfake_adv.data.inventory import inventory_datasets
from deepfake_adv.data.layouts.registry import build_layout
from deepfake_adv.data.probing import Part, probe_parts
from deepfake_adv.data.videos import read_rows
from deepfake_adv.video.encode import write_h264

HERE = {"engine": "local", "workers": 1, "address": None}
FAKES = "manipulated_sequences/Deepfakes/c23/videos"
REALS = "original_sequences/youtube/c23/videos"


@pytest.fixture
def root(tmp_path):
    """Six originals and six Deepfakes of 12 frames of noise."""
    root = tmp_path / "ff"
    generator = np.random.default_rng(0)
    for name, pairs in (("train", [["000", "001"]]), ("val", [["002", "003"]]), ("test", [["004", "005"]])):
        (root / "splits").mkdir(parents=True, exist_ok=True)
        (root / "splits" / f"{name}.json").write_text(json.dumps(pairs))
    for number in range(6):
        for path in (f"{REALS}/{number:03}.mp4", f"{FAKES}/{number:03}_{number ^ 1:03}.mp4"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            write_h264(root / path, generator.integers(0, 255, (12, 24, 16), dtype=np.uint8), crf=40)
    return root


def write_rawvideo(path, frames):
    """Uncompressed, so that files of equal frames are equal in length and differ only where the frames do."""
    with av.open(str(path), "w", format="avi") as out:
        stream = out.add_stream("rawvideo", rate=25)
        stream.height, stream.width, stream.pix_fmt = frames[0].shape[0] * 2 // 3, frames[0].shape[1], "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="yuv420p")))


@pytest.fixture
def part(root):
    return Part("ff", "c23", build_layout("faceforensics", root, ["DF"], {"splits": str(root / "splits")}))


@pytest.fixture
def take(part, tmp_path):
    """Take the inventory; gives the rows by video."""

    def run(part=part, **settings):
        settings = {"min_frames": 10, "execution": HERE, "memory": tmp_path / "memory"} | settings
        return {row.video: row for row in probe_parts([part], **settings)[0]}

    return run


@pytest.fixture
def stock(part, tmp_path):
    """The whole stage; gives its folder."""

    def run(*parts, **settings):
        chosen = {"min_frames": 10, "missing_is_fatal": True, "max_unreadable_share": 0.0, "execution": HERE}
        inventory_datasets(parts or [part], tmp_path / "inventory", memory=tmp_path / "memory", **chosen | settings)
        return tmp_path / "inventory"

    return run


@pytest.fixture
def probed(monkeypatch):
    """Names of the videos that were read."""
    seen = []
    original = probing.probe
    monkeypatch.setattr(probing, "probe", lambda path: seen.append(path.name) or original(path))
    return seen


def test_facts_of_whole_videos(take):
    rows = take()
    assert len(rows) == 12
    row = rows["DF/000_001"]
    assert (row.frames, row.fps, row.width, row.height, row.status, row.note) == (12, 25.0, 16, 16, "ok", "")
    assert row.bytes > 0
    assert len(row.fingerprint) == 16


def test_nothing_is_read_twice(take, probed, root):
    first = take()
    assert len(probed) == 12
    assert take() == first
    assert len(probed) == 12
    shutil.copy(root / REALS / "000.mp4", root / "spare")
    (root / REALS / "000.mp4").write_bytes((root / REALS / "001.mp4").read_bytes()[:-1] + b"\0")
    take()
    assert probed[12:] == ["000.mp4"]


def test_an_earlier_table_serves_where_the_memory_is_gone(take, probed, part, tmp_path, root):
    rows = take()
    del probed[:]
    shutil.rmtree(tmp_path / "memory")
    assert take(replace(part, previous=list(rows.values()))) == rows
    assert probed == []
    os.utime(root / REALS / "000.mp4")  # a new time alone does not make a new video
    assert take(replace(part, previous=list(rows.values()))) == rows
    assert probed == []


def test_equal_ends_make_no_duplicate(take, root):
    """Videos that differ in the middle alone, and folders of images of equal names and sizes."""
    frames = [np.full((360, 320), 90, np.uint8)] * 10
    for name, value in (("000_001", 60), ("001_000", 61), ("002_003", 61)):
        middle = np.random.default_rng(value).integers(0, 255, (360, 320), np.uint8)
        write_rawvideo(root / FAKES / f"{name}.mp4", [*frames, middle, *frames])
    rows = take()
    assert rows["DF/000_001"].fingerprint == rows["DF/001_000"].fingerprint
    assert [rows[f"DF/{name}"].status for name in ("000_001", "001_000", "002_003")] == ["ok", "ok", "duplicate"]
    assert rows["DF/002_003"].note == "same content as DF/001_000"


def test_every_kind_of_bad_file_has_its_status(take, root):
    (root / FAKES / "000_001.mp4").write_bytes(b"")
    (root / FAKES / "001_000.mp4").write_bytes((root / FAKES / "001_000.mp4").read_bytes()[:-200])
    (root / FAKES / "002_003.mp4").unlink()
    shutil.copy(root / FAKES / "003_002.mp4", root / FAKES / "004_005.mp4")
    write_h264(root / FAKES / "005_004.mp4", [np.zeros((24, 16), np.uint8)] * 4, crf=40)
    (root / REALS / "003.mp4").unlink()
    loop = root / REALS / "004.mp4"
    loop.unlink()
    loop.symlink_to(loop)
    rows = take()
    assert {name: row.status for name, row in rows.items() if row.status != "ok"} == {
        "real/003": "missing",
        "real/004": "unreadable",
        "DF/000_001": "empty",
        "DF/001_000": "unreadable",
        "DF/002_003": "missing",
        "DF/004_005": "duplicate",
        "DF/005_004": "too_short",
    }
    assert rows["DF/004_005"].note == "same content as DF/003_002"
    assert rows["DF/003_002"].note == "its original 003 is missing"
    assert rows["DF/005_004"].note == "4 frames, 10 asked for"
    assert rows["DF/001_000"].note.startswith(f"{FAKES}/001_000.mp4 must ")  # no folder of this machine
    assert "symbolic links" in rows["real/004"].note


def test_a_file_without_permission_is_tried_again(take, root, monkeypatch, probed):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(probing, "file_fingerprint", refuse)
        rows = take()
    assert {row.status for row in rows.values()} == {"unreadable"}
    assert "Permission denied" in rows["real/000"].note
    assert {row.status for row in take().values()} == {"ok"}


def test_a_changed_minimum_needs_no_reading(take, probed):
    take()
    rows = take(min_frames=13)
    assert {row.status for row in rows.values()} == {"too_short"}
    assert len(probed) == 12


def test_two_entries_of_one_name(tmp_path):
    (tmp_path / "videos.csv").write_text("path,label\nx.mp4,real\nx.mp4,real\n")
    part = Part("own", "native", build_layout("csv", tmp_path, [], {}))
    with pytest.raises(ValueError, match=r"datasets\.own: a video's name must occur once; got real/x twice"):
        probe_parts([part], min_frames=1, execution=HERE, memory=tmp_path)


def test_leaking_splits_are_refused(tmp_path):
    (tmp_path / "videos.csv").write_text("path,label,split,source\nx.mp4,1,train,me\ny.mp4,1,test,me\n")
    part = Part("own", "native", build_layout("csv", tmp_path, [], {}))
    with pytest.raises(ValueError, match="'me' through other/x"):
        probe_parts([part], min_frames=1, execution=HERE, memory=tmp_path)


def test_five_thousand_empty_folders(tmp_path):
    lines = ["path,label"]
    for number in range(5000):
        (tmp_path / f"d{number}").mkdir()
        lines.append(f"d{number},real")
    (tmp_path / "videos.csv").write_text("\n".join(lines))
    part = Part("own", "native", build_layout("csv", tmp_path, [], {}))
    start = time.process_time()
    (rows,) = probe_parts([part], min_frames=1, execution=HERE, memory=tmp_path / "memory")
    assert {row.status for row in rows} == {"empty"}
    assert len(rows) == 5000
    assert time.process_time() - start < 5
    (fault,) = completeness.faults([part], [rows], missing_is_fatal=False, max_unreadable_share=0.01)
    assert "got 5000 of 5000, such as d0 (empty), d1 (empty), d2 (empty)" in fault
    assert len(fault) < 400


class TestStage:
    def test_tables_and_reports(self, stock, root):
        folder = stock()
        assert len(read_rows(folder / "ff/c23.csv")) == 12
        header, *lines = (folder / "report.csv").read_text().splitlines()
        assert header == "dataset,quality,forgery,present,expected,missing,unreadable,empty,duplicate,too_short"
        assert lines == ["ff,c23,real,6,6,0,0,0,0,0", "ff,c23,DF,6,6,0,0,0,0,0"]

    def test_unchanged_tables_are_not_written_again(self, stock):
        table = stock() / "ff/c23.csv"
        before = table.stat().st_mtime_ns
        stock()
        assert table.stat().st_mtime_ns == before

    def test_missing_videos_are_fatal_or_tolerated_and_listed(self, stock, root, tmp_path):
        (root / FAKES / "002_003.mp4").unlink()
        with pytest.raises(ValueError, match=r"ff at c23: all videos must be there; 1 are missing \(DF 1\)"):
            stock()
        folder = stock(missing_is_fatal=False)
        line = f"ff,c23,DF,DF/002_003,{FAKES}/002_003.mp4,"
        assert line in (folder / "missing.csv").read_text().splitlines()
        assert "ff,c23,DF,5,6,1,0,0,0,0" in (folder / "report.csv").read_text()

    def test_too_many_unreadable_are_fatal(self, stock, root):
        (root / FAKES / "002_003.mp4").write_bytes(b"x" * 99)
        with pytest.raises(ValueError, match=r"at most 5\.0% of the videos .* got 1 of 12, such as .*002_003\.mp4"):
            stock(max_unreadable_share=0.05)
        stock(max_unreadable_share=0.1)

    def test_a_missing_quality_names_the_first_place_looked_at(self, stock, part):
        with pytest.raises(ValueError, match=r"ff at c40: there must be videos; got none, looked for .*c40/videos/000"):
            stock(part, replace(part, quality="c40"), missing_is_fatal=False)

    def test_no_dataset_at_all_is_one_message(self, stock, part, tmp_path):
        absent = Part("celeb", "native", build_layout("celebdf", tmp_path / "celeb", [], {}))
        gone = build_layout("faceforensics", tmp_path / "gone", ["DF"], {"splits": "x"})
        with pytest.raises(ValueError, match=r"datasets\.big \(c23, c40\) must be on disk; looked in .*gone") as caught:
            stock(part, absent, Part("big", "c23", gone), Part("big", "c40", gone))
        message = str(caught.value)
        assert message.count("must be on disk") == 2
        assert "github.com/ondyari/FaceForensics" in message
        assert "github.com/yuezunli/celeb-deepfakeforensics" in message
        assert (tmp_path / "inventory/ff/c23.csv").exists()  # what is there is not lost

    def test_a_clone_without_videos_goes_on_with_the_committed_table(self, stock, root, tmp_path, caplog):
        folder = stock()
        before = (folder / "ff/c23.csv").read_text()
        root.rename(tmp_path / "unplugged")
        with pytest.raises(ValueError, match="must be on disk"):
            stock()
        stock(missing_is_fatal=False)
        assert (folder / "ff/c23.csv").read_text() == before
        assert "its earlier inventory is kept" in caplog.text

    def test_one_part_twice(self, stock, part):
        with pytest.raises(ValueError, match="parts must each be another dataset or quality; got ff-c23 twice"):
            stock(part, part)

    def test_a_damaged_table_is_written_anew(self, stock, caplog):
        folder = stock()
        (folder / "ff/c23.csv").write_text("nonsense\n")
        assert len(read_rows(stock() / "ff/c23.csv")) == 12
        assert "it is written anew" in caplog.text

    def test_published_numbers_count_as_expected(self, tmp_path, stock):
        root = tmp_path / "dfd"
        write_h264(
            root / "original_sequences/actors/c23/videos/24__talk.mp4", [np.zeros((24, 16), np.uint8)] * 12, crf=40
        )
        part = Part("dfd", "c23", build_layout("dfd", root, [], {}))
        folder = stock(part, missing_is_fatal=False)
        assert "dfd,c23,DFD,0,3068,3068,0,0,0,0" in (folder / "report.csv").read_text()
        assert "dfd,c23,real,,,362 more of the 363 published" in (folder / "missing.csv").read_text()
