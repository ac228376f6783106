"""Damage that real disks do to a dataset: nothing is lost, and all errors are reported before anything is cut."""

import builtins
import errno
import io
import os
import shutil
import time
from collections import Counter
from dataclasses import replace

import av
import numpy as np
import pytest

from deepfake_adv.datasets import probing
from deepfake_adv.datasets.inventory import inventory_datasets
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.datasets.videos import read_rows
from deepfake_adv.extraction.extract import extract
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.video.encode import write_h264

HERE = {"engine": "local", "workers": 1, "address": None}
FAKES = "manipulated_sequences/Deepfakes/{}/videos"
REALS = "original_sequences/youtube/{}/videos"


@pytest.fixture
def stock(tmp_path):
    """The inventory of some parts; gives its folder."""

    def run(*parts, **settings):
        chosen = {"min_frames": 10, "missing_is_fatal": True, "contradictions_are_fatal": True}
        chosen |= {"max_unreadable_share": 0.01, "execution": HERE, "memory": tmp_path / "memory"}
        inventory_datasets(parts, tmp_path / "inventory", **chosen | settings)
        return tmp_path / "inventory"

    return run


def sample(inventory, root, output, scratch):
    extract(
        inventory, root, output, counts={"train": 4, "val": 2, "test": 2}, sampling="even", store="frames",
        min_frames=10, max_skipped_share=0, execution=HERE, scratch=scratch,
    )  # fmt: skip
    return FrameStore(output, root)


def tree_of(folder):
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted([folder, *folder.rglob("*")])}


def table_of(folder, count, **splits):
    """A dataset of the user's own with `count` videos of noise."""
    folder.mkdir(parents=True)
    write_h264(folder / "0.mp4", np.random.default_rng(0).integers(0, 255, (12, 24, 16), dtype=np.uint8), crf=40)
    whole = (folder / "0.mp4").read_bytes()
    for number in range(count):  # an empty box of MP4 makes each one different
        (folder / f"{number}.mp4").write_bytes(whole + b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
    split = ["train", "val", "test"]
    lines = [f"{k}.mp4,{('real', 'fake')[k % 2]},{splits.get(f'v{k}', split[k % 3])}" for k in range(count)]
    (folder / "videos.csv").write_text("\n".join(["path,label,split", *lines, ""]))
    return PartOnDisk(folder.name, "native", build_layout("csv", folder, [], {}))


def test_a_folder_that_is_read_only_stays_as_it_is(stock, root, part, tmp_path):
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    before = tree_of(root)
    try:
        folder = stock(part)
        store = sample(folder / "ff/c23.csv", root, tmp_path / "frames", tmp_path / "work")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert len(store.rows) == 12
    assert tree_of(root) == before  # also where root runs this, whom no permission keeps from writing


def test_two_datasets_of_equal_file_names_keep_apart(stock, tmp_path):
    parts = [table_of(tmp_path / name, count) for name, count in (("mine", 6), ("theirs", 9))]
    for _ in range(2):  # the second time from what was noted
        folder = stock(*parts)
        counts = [len(read_rows(folder / part.dataset / "native.csv")) for part in parts]
        assert counts == [6, 9]
    stores = [
        sample(
            folder / part.dataset / "native.csv", part.layout.root, tmp_path / f"f-{part.dataset}", tmp_path / "work"
        )
        for part in parts
    ]
    assert [len(store.rows) for store in stores] == [6, 9]
    assert set(stores[0].rows) < set(stores[1].rows)


def test_a_quality_that_arrives_later_leaves_the_other_alone(stock, root, part, tmp_path, monkeypatch):
    folder = stock(part)
    table = folder / "ff/c23.csv"
    before = table.read_bytes(), table.stat().st_mtime_ns
    late = replace(part, quality="c40")
    with pytest.raises(ValueError, match=r"ff at c40: there must be videos; got none.* or take the part out of parts"):
        stock(part, late)
    for place in (FAKES, REALS):
        shutil.copytree(root / place.format("c23"), root / place.format("c40"))
    looked, probe = [], probing.probe
    monkeypatch.setattr(probing, "probe", lambda path: looked.append(path) or probe(path))
    stock(part, late)
    assert (table.read_bytes(), table.stat().st_mtime_ns) == before
    assert len(looked) == 12
    assert all("c40" in str(path) for path in looked)
    assert sum(row.usable for row in read_rows(folder / "ff/c40.csv")) == 12


def test_one_in_twenty_unreadable_is_reported_at_once_and_then_costs_just_these(stock, tmp_path):
    part = table_of(tmp_path / "mine", 60)
    for number in (7, 20, 41):
        (tmp_path / f"mine/{number}.mp4").write_bytes(b"<html>404</html>" * number)
    with pytest.raises(ValueError, match=r"got 3 of 60, such as 7\.mp4 .*, 20\.mp4 .*, 41\.mp4 .* 57 are usable"):
        stock(part)
    folder = stock(part, max_unreadable_share=0.06)
    store = sample(folder / "mine/native.csv", tmp_path / "mine", tmp_path / "frames", tmp_path / "work")
    assert len(store.rows) == 57  # no share of extract is touched by what the inventory found


def test_a_file_filled_up_with_zeros_is_found_before_it_is_decoded(stock, root, part):
    path = root / FAKES.format("c23") / "000_001.mp4"
    write_h264(path, np.random.default_rng(1).integers(0, 255, (12, 96, 64), dtype=np.uint8), crf=20)
    whole = path.read_bytes()
    end = whole.index(b"moov") if whole.index(b"moov") > whole.index(b"mdat") else len(whole)
    half = whole.index(b"mdat") + (end - whole.index(b"mdat")) // 2
    path.write_bytes(whole[:half] + bytes(end - 4 - half) + whole[end - 4 :])  # the index at the end is whole
    with pytest.raises(ValueError, match=r"000_001\.mp4 .*filled up with zeros from frame \d+ on"):
        stock(part)


@pytest.mark.parametrize(
    ("limits", "noted"),
    [
        ({"max_frames": 11}, "12 frames, at most 11 allowed"),
        ({"max_pixels": 255}, "16 x 16 pixels, at most 255 allowed"),
    ],
)
def test_media_above_a_limit_are_named_and_left_out_before_any_work(stock, root, part, caplog, limits, noted):
    path = root / FAKES.format("c23") / "000_001.mp4"
    others = [place for own in (path.parent, root / REALS.format("c23")) for place in own.iterdir() if place != path]
    for seed, place in enumerate(others):
        write_h264(place, np.random.default_rng(seed).integers(0, 255, (10, 18, 12), dtype=np.uint8), crf=0)
    folder = stock(part, **limits)
    rows = {row.video: row for row in read_rows(folder / "ff/c23.csv")}
    assert [row.video for row in rows.values() if row.status == "too_large"] == ["DF/000_001"]
    assert rows["DF/000_001"].note == noted
    said = f"1 of 12 videos are left out as too large, such as {path.relative_to(root)} ({noted})"
    assert said in caplog.text
    assert "ff,c23,DF,6,6,0,0,0,0,0,0,1" in (folder / "report.csv").read_text()
    stock(part)
    assert not any(row.status == "too_large" for row in read_rows(folder / "ff/c23.csv"))


def test_every_error_of_every_part_is_in_one_message(stock, root, part, tmp_path):
    (root / FAKES.format("c23") / "002_003.mp4").unlink()
    (root / REALS.format("c23") / "004.mp4").write_bytes(b"x" * 99)
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn/videos.csv").write_text("path,label\na.mp4,maybe\n")
    torn = PartOnDisk("torn", "native", build_layout("csv", tmp_path / "torn", [], {}))
    twins = build_layout("faceforensics", root, ["DF"], {"splits": str(tmp_path / "none")})
    gone = PartOnDisk("gone", "native", build_layout("celebdf", tmp_path / "gone", [], {}))
    with pytest.raises(ValueError, match="the datasets must match params") as caught:
        stock(part, torn, PartOnDisk("ff2", "c23", twins), PartOnDisk("ff2", "c40", twins), gone)
    message = str(caught.value)
    for fault in ("1 are missing (DF 1)", "unreadable or empty; got 1 of 11", "'maybe'", "datasets.gone"):
        assert fault in message, fault
    assert message.count(f"{tmp_path / 'none' / 'train.json'} must exist") == 1


def test_a_leak_is_an_error_before_any_crop_is_cut(stock, tmp_path):
    own = tmp_path / "own"
    table_of(own, 4)
    lines = ["path,label,split,target", "0.mp4,real,train,anna", "1.mp4,fake,val,anna", "2.mp4,real,test,bea", ""]
    (own / "videos.csv").write_text("\n".join(lines))
    part = PartOnDisk("own", "native", build_layout("csv", own, [], {}))
    part.layout.__dict__["exact_identities"] = False
    stock(part)
    stock(part, leak_free=["c23"])  # another tier's
    for tier in ("native", "all"):
        with pytest.raises(ValueError, match=r"no identity may be in two splits; got own/anna\. .* shard\.leaks"):
            stock(part, leak_free=["c23", tier])


@pytest.fixture
def asked(monkeypatch):
    """Counts what the storage is asked about the videos below a folder; each answer takes a while, as on NFS."""
    counts, threads = Counter(), {"now": 0, "most": 0}

    def slow(owner, name):
        function = getattr(owner, name)

        def call(path, *arguments, **keywords):
            if not str(path).endswith(".mp4"):
                return function(path, *arguments, **keywords)
            counts["stat" if name in ("stat", "lstat") else "open"] += 1
            threads["now"] += 1
            threads["most"] = max(threads["most"], threads["now"])
            try:
                time.sleep(0.001)
                return function(path, *arguments, **keywords)
            finally:
                threads["now"] -= 1

        monkeypatch.setattr(owner, name, call)

    def take():
        taken = dict(counts), threads["most"]
        counts.clear()
        threads["most"] = 0
        return taken

    for owner, name in ((os, "stat"), (os, "lstat"), (os, "open"), (builtins, "open"), (io, "open"), (av, "open")):
        slow(owner, name)
    return take


def test_slow_storage_is_asked_few_times_per_video_and_for_many_at_once(stock, tmp_path, asked):
    """Counted, not timed: asked one by one at a millisecond each, 120,000 videos keep a second inventory 4 minutes."""
    count = 130
    part = table_of(tmp_path / "mine", count)
    asked()
    folder = stock(part)
    assert asked()[0] == {"stat": 6 * count, "open": 2 * count}
    stock(part)
    (calls, at_once) = asked()
    assert calls == {"stat": count}  # failed before: two
    assert at_once > 1  # failed before: one after the other
    store = sample(folder / "mine/native.csv", tmp_path / "mine", tmp_path / "frames", tmp_path / "work")
    assert asked()[0] == {"stat": 5 * count, "open": 2 * count}
    assert len(store.rows) == count


def test_storage_that_drops_out_for_a_while_costs_no_video(stock, tmp_path, monkeypatch):
    """ESTALE and EIO, as NFS answers after its server was away: the next run finds all, and nothing is remembered."""
    part = table_of(tmp_path / "mine", 30)
    real, away = os.stat, {f"{number}.mp4": error for number, error in ((4, errno.ESTALE), (9, errno.EIO))}

    def stat(path, *arguments, **keywords):
        name = os.path.basename(path) if isinstance(path, (str, os.PathLike)) else ""
        if name in away:
            raise OSError(away[name], os.strerror(away[name]), str(path))
        return real(path, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat)
        with pytest.raises(ValueError, match=r"got 2 of 30, .* 4\.mp4 \(it cannot be opened \(Stale file handle\)\)"):
            stock(part)
    assert sum(row.usable for row in read_rows(stock(part) / "mine/native.csv")) == 30


def test_750_bad_videos_are_one_fault_and_a_table(stock, tmp_path, caplog):
    """5 %, as of 15,000; here of 400: one message of three examples, whatever their number."""
    count, bad = 400, 20
    part = table_of(tmp_path / "mine", count)
    for number in range(0, count, count // bad):
        (tmp_path / f"mine/{number}.mp4").write_bytes(b"<html>404</html>" + str(number).encode())
    with pytest.raises(ValueError) as caught:
        stock(part)
    (line,) = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert f"got {bad} of {count}" in line
    assert f"{count - bad} are usable" in line
    assert len(line) < 600
    assert len(caplog.records) < 5
    folder = stock(part, max_unreadable_share=0.05)
    rows = read_rows(folder / "mine/native.csv")
    assert [row.video.rpartition("/")[2] for row in rows if row.status == "unreadable"] == [
        str(number) for number in range(0, count, count // bad)
    ]
    assert sum(row.usable for row in rows) == count - bad
    assert all(row.note for row in rows if not row.usable)
