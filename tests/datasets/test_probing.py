import os
import shutil
import time
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from deepfake_adv.datasets import completeness, duplicates, probing
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk, list_entries, probe_parts
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.errors import VideoError

HERE = {"engine": "local", "workers": 1, "address": None}
FAKES = "manipulated_sequences/Deepfakes/c23/videos"
REALS = "original_sequences/youtube/c23/videos"


def write_rawvideo(path, frames):
    """Uncompressed, so that files of equal frames are equal in length and differ only where the frames do."""
    with av.open(str(path), "w", format="avi") as out:
        stream = out.add_stream("rawvideo", rate=25)
        stream.height, stream.width, stream.pix_fmt = frames[0].shape[0] * 2 // 3, frames[0].shape[1], "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="yuv420p")))


@pytest.fixture
def take(part, tmp_path):
    """Take the inventory; gives the rows by video."""

    def run(part=part, **settings):
        settings = {"min_frames": 10, "execution": HERE, "memory": tmp_path / "memory"} | settings
        return {row.video: row for row in probe_parts([part], [list_entries(part)], **settings)[0]}

    return run


@pytest.fixture
def probed(monkeypatch):
    """Names of the videos that were read."""
    seen = []
    original = probing.probe
    monkeypatch.setattr(probing, "probe", lambda path: seen.append(path.name) or original(path))
    return seen


def test_facts_of_complete_videos(take):
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


def test_an_earlier_table_serves_where_the_cache_is_missing(take, probed, part, tmp_path, root):
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


def test_duplicates_are_compared_once(take, root, monkeypatch):
    for name in ("001_000", "002_003"):
        shutil.copy(root / FAKES / "000_001.mp4", root / FAKES / f"{name}.mp4")
    compared = []
    original = duplicates.same_content
    monkeypatch.setattr(duplicates, "same_content", lambda *paths: compared.append(paths) or original(*paths))
    first = take()
    assert {name: row.note for name, row in first.items() if row.status == "duplicate"} == {
        "DF/001_000": "same content as DF/000_001",
        "DF/002_003": "same content as DF/000_001",
    }
    assert len(compared) == 2
    assert take() == first
    assert len(compared) == 2
    os.utime(root / FAKES / "000_001.mp4")  # it may be another video now
    assert take() == first
    assert len(compared) == 4


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


def test_a_video_that_could_not_be_read_is_tried_again(take, monkeypatch, probed):
    def flaky(path):
        raise VideoError(f"{path} must be readable; got: Input/output error. Check the path and its permissions.")

    with monkeypatch.context() as patch:
        patch.setattr(probing, "probe", flaky)
        rows = take()
    assert {row.status for row in rows.values()} == {"unreadable"}
    assert {row.status for row in take().values()} == {"ok"}
    assert len(probed) == 12


def test_a_changed_minimum_needs_no_reading(take, probed):
    take()
    rows = take(min_frames=13)
    assert {row.status for row in rows.values()} == {"too_short"}
    assert len(probed) == 12


def test_images_that_do_not_count_make_no_frames(tmp_path):
    folder = tmp_path / "NeuralTextures_c23/000_001"
    folder.mkdir(parents=True)
    for index in range(12):
        cv2.imwrite(str(folder / f"000_001_{index:06}_0.png"), np.full((16, 16, 3), index, np.uint8))
    line = "NeuralTextures_c23/000_001/000_001_{:06}_0.png FAKE\n"
    (tmp_path / "train.lst").write_text("".join(line.format(index) for index in range(0, 12, 4)))
    part = PartOnDisk("lists", "c23", build_layout("lst", tmp_path, [], {"lists": {"train": "train.lst"}}))
    ((row,),) = probe_parts([part], [list_entries(part)], min_frames=3, execution=HERE, memory=tmp_path / "memory")
    assert (row.status, row.frames, row.taken) == ("ok", 12, "0 4 8")
    ((row,),) = probe_parts([part], [list_entries(part)], min_frames=4, execution=HERE, memory=tmp_path / "memory")
    assert row.status == "too_short"
    assert "3 frames, 4 asked for" in row.note


def test_two_entries_of_one_name(tmp_path):
    (tmp_path / "videos.csv").write_text("path,label\nx.mp4,real\nx.mp4,real\n")
    part = PartOnDisk("own", "native", build_layout("csv", tmp_path, [], {}))
    with pytest.raises(ValueError, match=r"datasets\.own: a video's name must occur once; got real/x twice"):
        probe_parts([part], [list_entries(part)], min_frames=1, execution=HERE, memory=tmp_path)


def test_names_that_lead_out_of_a_folder_are_refused(tmp_path):
    (tmp_path / "train.lst").write_text("NeuralTextures_c23/.. FAKE\n")
    part = PartOnDisk("lists", "c23", build_layout("lst", tmp_path, [], {"lists": {"train": "train.lst"}}))
    with pytest.raises(ValueError, match=r"datasets\.lists: a video's name, .*; got 'NT/\.\.'"):
        probe_parts([part], [list_entries(part)], min_frames=1, execution=HERE, memory=tmp_path)


def test_the_images_of_a_folder_are_looked_at_in_their_order(tmp_path):
    """First, middle and last by number: of 0, 1, 2, 3, 9, 10 the last is 10, which as text stands third."""
    (tmp_path / "v").mkdir()
    for index in (0, 1, 2, 3, 9, 10):
        cv2.imwrite(str(tmp_path / "v" / f"{index}.png"), np.full((16, 16, 3), 20 * index, np.uint8))
    (tmp_path / "videos.csv").write_text("path,label\nv,real\n")
    part = PartOnDisk("own", "native", build_layout("csv", tmp_path, [], {}))

    def mark():
        return probe_parts([part], [list_entries(part)], min_frames=1, execution=HERE, memory=tmp_path / "memory")[0][
            0
        ].fingerprint

    before, last = mark(), tmp_path / "v" / "10.png"
    coded = bytearray(last.read_bytes())
    coded[-1] ^= 1
    last.write_bytes(coded)
    assert mark() != before


def test_leaking_splits_are_refused(tmp_path):
    (tmp_path / "videos.csv").write_text("path,label,split,source\nx.mp4,1,train,me\ny.mp4,1,test,me\n")
    part = PartOnDisk("own", "native", build_layout("csv", tmp_path, [], {}))
    with pytest.raises(ValueError, match="'me' through other/x"):
        probe_parts([part], [list_entries(part)], min_frames=1, execution=HERE, memory=tmp_path)


def probe_empty_folders(root, count):
    lines = ["path,label"]
    for number in range(count):
        (root / f"d{number}").mkdir(parents=True)
        lines.append(f"d{number},real")
    (root / "videos.csv").write_text("\n".join(lines))
    part = PartOnDisk("own", "native", build_layout("csv", root, [], {}))
    start = time.process_time()
    (rows,) = probe_parts([part], [list_entries(part)], min_frames=1, execution=HERE, memory=root / "memory")
    return time.process_time() - start, part, rows


def test_five_thousand_empty_folders(tmp_path):
    small, *_ = probe_empty_folders(tmp_path / "small", 500)
    large, part, rows = probe_empty_folders(tmp_path / "large", 5000)
    assert {row.status for row in rows} == {"empty"}
    assert len(rows) == 5000
    assert large < 40 * small  # ten times the folders; a hundred times the work were each compared with each
    (fault,) = completeness.errors(
        [part], [rows], missing_is_fatal=False, contradictions_are_fatal=True, max_unreadable_share=0.01
    )
    assert "got 5000 of 5000, such as d0 (empty), d1 (empty), d2 (empty)" in fault
    assert len(fault) < 400
