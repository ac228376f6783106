import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from deepfake_adv.crops.record import read_record
from deepfake_adv.datasets.videos import VideoRow, format_rows, read_rows
from deepfake_adv.extraction import extract as module
from deepfake_adv.extraction.extract import extract
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.video.encode import write_h264

HERE = {"engine": "local", "workers": 1, "address": None}
COUNTS = {"train": 6, "val": 4, "test": 4}


@pytest.fixture
def part(tmp_path):
    """Inventory of six videos of 20 frames and one missing; gives folder and rows."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(6):
        write_h264(tmp_path / f"root/{number}.mp4", rng.integers(0, 255, (20, 24, 16), dtype=np.uint8), crf=20)
        split = ("train", "val", "test")[number // 2]
        facts = (9, f"f{number}", 20, 25.0, 16, 16, "ok", "")
        rows.append(VideoRow(f"real/{number}", 0, "real", split, str(number), "", f"{number}.mp4", "", *facts))
    rows.append(replace(rows[0], video="real/x", path="x.mp4", status="missing"))
    (tmp_path / "inventory/ff").mkdir(parents=True)
    (tmp_path / "inventory/ff/c23.csv").write_text(format_rows(rows))
    return tmp_path, rows


@pytest.fixture
def run(part):
    """Run the stage; gives the folder it leaves."""
    folder, _ = part

    def call(output="out", **settings):
        chosen = {"counts": COUNTS, "sampling": "even", "store": "frames", "min_frames": 5, "max_skipped_share": 0.2}
        chosen |= {"execution": HERE, "scratch": folder / "work"} | settings
        extract(folder / "inventory/ff/c23.csv", folder / "root", folder / output, **chosen)
        return folder / output

    return call


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_split_has_its_count_and_the_missing_one_is_listed(run, part):
    folder, _ = part
    store = FrameStore(run(), folder / "root")
    assert [len(store.indices[row.video]) for row in store.rows.values()] == [6, 6, 4, 4, 4, 4]
    assert store.indices["real/0"].tolist() == [2, 5, 8, 11, 14, 17]
    assert [row.video for row in read_rows(folder / "out/skipped.csv")] == ["real/x"]
    assert not any((folder / "work").iterdir())


def test_the_frame_table_records_what_the_videos_are(run):
    found = read_record(run() / "frames.parquet")["media"]["ff/c23"]
    assert (found["origin"], found["codecs"], found["frame_px"]) == ("", {"h264": 6}, [16, 16, 16])
    assert len(found["bits_per_pixel"]) == 3


def test_both_forms_hold_the_same_frames(run, part):
    folder, rows = part
    kept, index = (FrameStore(run(form, store=form), folder / "root") for form in ("frames", "index"))
    assert not (folder / "index/store").exists()
    for row in rows[:6]:
        for (i, mine), (j, theirs) in zip(kept.of(row.video).read(), index.of(row.video).read(), strict=True):
            assert i == j
            np.testing.assert_array_equal(mine, theirs)


def test_random_frames(run, part):
    folder, _ = part
    store = FrameStore(run(sampling="random"), folder / "root")
    assert store.indices["real/0"].tolist() != store.indices["real/1"].tolist()
    assert len(store.indices["real/0"]) == 6


def test_too_few_frames_give_all_they_have_and_say_so(run, part):
    folder, _ = part
    store = FrameStore(run(counts=COUNTS | {"val": 50}), folder / "root")
    assert len(store.indices["real/2"]) == 20
    assert {row.video: row.note for row in store.rows.values()}["real/2"] == "20 frames, 50 asked for"


def test_one_bad_video_is_reported_and_does_not_stop_the_others(run, part):
    folder, _ = part
    (folder / "root/3.mp4").write_bytes(b"no video")
    out = run()
    assert len(FrameStore(out, folder / "root").rows) == 5
    (skipped, _) = read_rows(out / "skipped.csv")
    assert (skipped.video, skipped.status) == ("real/3", "unreadable")
    assert skipped.note.startswith("3.mp4 must be a video")


def test_more_than_the_share_is_fatal_and_finished_work_stays(run, part, monkeypatch):
    folder, _ = part
    good = (folder / "root/3.mp4").read_bytes()
    (folder / "root/3.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match=r"at most 10\.0% .* fail in extract; 1 of 6 did, real/3 for one: 3\.mp4"):
        run(max_skipped_share=0.1)
    assert not (folder / "out").exists()
    (folder / "root/3.mp4").write_bytes(good)
    done = []
    original = module.times_and_codec
    monkeypatch.setattr(module, "times_and_codec", lambda path: done.append(path.name) or original(path))
    run(max_skipped_share=0.1)
    assert done == ["3.mp4"]


def test_fewer_frames_than_packets_promise(run, part, monkeypatch):
    """Where the decoder gives less than was counted, what it gives is sampled, not a shifted guess."""
    folder, _ = part
    original = module.times_and_codec

    def longer(path):
        times, codec = original(path)
        return np.append(times, [9.0, 9.1, 9.2, 9.3]), codec

    monkeypatch.setattr(module, "times_and_codec", longer)
    store = FrameStore(run(counts=COUNTS | {"train": 23}), folder / "root")
    assert store.indices["real/0"].tolist() == list(range(20))
    assert store.rows["real/0"].note == "20 frames, 23 asked for"


def test_too_short_when_it_comes_to_it(run, part):
    with pytest.raises(ValueError, match=r"must have 21 frames or more; got 20\. Lower extract\.min_frames"):
        run(min_frames=21)


def test_interrupted_anywhere_the_bytes_are_the_same(run, monkeypatch):
    whole = digest(run("undisturbed"))
    for stop in range(6):
        with monkeypatch.context() as patch:
            calls = []

            def write(path, value, calls=calls, stop=stop, original=module.write_json):
                calls.append(path)
                if len(calls) > stop:
                    raise KeyboardInterrupt
                original(path, value)

            patch.setattr(module, "write_json", write)
            with pytest.raises(KeyboardInterrupt):
                run(f"out{stop}")
        assert digest(run(f"out{stop}")) == whole


@pytest.mark.parametrize("store", ["frames", "index"])
def test_stopped_after_the_end_it_makes_a_lost_output_again(run, part, monkeypatch, store):
    folder, _ = part
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(store=store)
    whole = digest(folder / "out")
    shutil.rmtree(folder / "out")  # as DVC does before it runs a stage again
    assert digest(run(store=store)) == whole


@pytest.fixture
def images(part):
    """An inventory of one folder of 12 images, each of another size; gives folder and row."""
    folder, rows = part
    (folder / "root/crops").mkdir()
    for index in range(12):
        image = np.full((20 + 2 * index, 30, 3), 12 * index, np.uint8)
        cv2.imwrite(str(folder / f"root/crops/{index:04}.png"), image)
    row = replace(rows[0], path="crops", frames=12)
    (folder / "inventory/ff/c23.csv").write_text(format_rows([row]))
    return folder, row


def test_a_folder_of_images_of_any_size_is_its_own_store(run, images):
    folder, row = images
    left = run(max_skipped_share=0)
    assert not list(left.rglob("*.mkv"))
    kept, index = (FrameStore(output, folder / "root") for output in (left, run("index", store="index")))
    found = list(kept.of(row.video).read())
    assert [number for number, _ in found] == [0, 2, 4, 6, 8, 10]
    assert [planes.shape[0] * 2 // 3 for _, planes in found] == [20, 24, 28, 32, 36, 40]
    for (_, mine), (_, theirs) in zip(found, index.of(row.video).read(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(("taken", "left"), [("0 2-4 9-11", [2, 3, 4, 9, 10]), ("5-9", [5, 6, 7, 8, 9])])
def test_of_a_folder_only_the_images_that_count_are_sampled(run, images, taken, left):
    folder, row = images
    (folder / "inventory/ff/c23.csv").write_text(format_rows([replace(row, taken=taken)]))
    assert FrameStore(run(counts=COUNTS | {"train": 5}), folder / "root").indices[row.video].tolist() == left


def test_images_that_the_inventory_counted_and_that_went_are_reported(run, images):
    folder, row = images
    (folder / "inventory/ff/c23.csv").write_text(format_rows([replace(row, taken="3-12")]))
    with pytest.raises(ValueError, match="crops must hold 13 images or more; got 12"):
        run()


def test_leftovers_of_other_settings_are_not_taken(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_frame_table", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run("a")
    assert digest(run("b", counts=COUNTS | {"train": 3})) == digest(run("c", counts=COUNTS | {"train": 3}))


def test_a_full_disk_is_no_error_of_the_video(run, monkeypatch):
    def full(path, frames):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "write_ffv1", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(max_skipped_share=1.0)


@pytest.mark.parametrize("wrong", [{"store": "png"}, {"sampling": "odd"}])
def test_unknown_forms(run, wrong):
    with pytest.raises(ValueError, match="store must be one of frames, index and sampling even or random"):
        run(**wrong)


def test_errors_cross_processes(run, part):
    folder, _ = part
    (folder / "root/3.mp4").unlink()
    out = run(execution={"engine": "local", "workers": 2, "address": None})
    assert read_rows(out / "skipped.csv")[0].note.startswith("3.mp4 must be readable")


KILLED = """
import json, sys
from pathlib import Path
from deepfake_adv.extraction import extract as module
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    original = module.write_json
    def slow(path, value):
        original(path, value)
        print("done", flush=True)
        __import__("time").sleep(0.5)
    module.write_json = slow
    module.extract(folder / "inventory/ff/c23.csv", folder / "root", folder / "killed", **json.loads(sys.argv[2]),
                   scratch=folder / "work")
"""


def test_killed_with_sigkill_it_resumes(run, part):
    folder, _ = part
    settings = {"counts": COUNTS, "sampling": "even", "store": "frames", "min_frames": 5, "max_skipped_share": 0.2}
    command = [sys.executable, "-c", KILLED, str(folder), json.dumps(settings | {"execution": HERE})]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert not (folder / "killed").exists()
    files = list((folder / "work").rglob("*.json"))
    assert 1 <= len(files) < 6
    before = time.time_ns()
    assert digest(run("killed")) == digest(run("whole"))
    assert all(path.stat().st_mtime_ns < before for path in files if path.exists())
