import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from deepfake_adv.data import crops as crops_module
from deepfake_adv.data.crops import crop_part, plan_files
from deepfake_adv.data.cutting import CropOptions
from deepfake_adv.data.encoding import decode_crop, decode_mask
from deepfake_adv.data.frames import open_store
from deepfake_adv.data.locate import LocateOptions, locate_dataset
from deepfake_adv.data.schema import CROP_SCHEMA
from deepfake_adv.faces.box import FaceBox, official_crop
from deepfake_adv.video.colour import i420_to_rgb

OPTIONS = CropOptions(margin=1.3, encoding="png", masks=True)
LOCATE = LocateOptions(backend="dlib", policy="shared", every=10, smooth=15, landmarks="none", on_miss="interpolate")


@pytest.fixture
def located(toy, square_locator, tmp_path):
    def located(**changes):
        data = toy(changes.pop("faceless", None))
        locate_dataset(
            "toy", data.inventory, data.frames, tmp_path / "faces", root=data.root, options=replace(LOCATE, **changes),
            max_failed_share=0, execution={"workers": 1}, scratch=tmp_path / "work",
        )  # fmt: skip
        return data

    return located


@pytest.fixture
def run(tmp_path):
    def run(data, options=OPTIONS, name="crops", share=0.0, rows_per_file=4096, quality="c23"):
        output = tmp_path / name / "toy" / quality
        counts = crop_part(
            "toy", quality, data.frames / quality, tmp_path / "faces", output, root=data.root, options=options,
            max_failed_share=share, execution={"workers": 1}, rows_per_file=rows_per_file, scratch=tmp_path / "work",
        )  # fmt: skip
        return counts, output

    return run


def read(output):
    return [row for path in sorted(output.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("encoding", ["webp", "png", "i420"])
def test_a_crop_is_the_official_square_of_the_decoded_frame(located, run, encoding):
    data = located()
    counts, output = run(data, replace(OPTIONS, encoding=encoding))
    rows = read(output)
    assert counts["cut"] == len(rows) == 105
    store = open_store(data.frames / "c23", data.root)
    frames = {(video, f): planes for video in {r["video"] for r in rows} for f, planes in store.frames(video)}
    for row in rows[::7]:
        box = FaceBox(*(row[f"face_{corner}"] for corner in ("x0", "y0", "x1", "y1")))
        square = official_crop(box, 160, 120, even=encoding == "i420")
        assert (row["box_x"], row["box_y"], row["box_side"]) == square
        rgb = i420_to_rgb(frames[row["video"], row["frame"]])
        expected = rgb[square.y : square.y + square.side, square.x : square.x + square.side]
        np.testing.assert_array_equal(decode_crop(row["image"]["bytes"], row["encoding"]), expected)
        assert (row["width"], row["height"]) == (160, 120)


def test_masks_are_cut_by_the_same_square_at_the_same_frames(located, run):
    data = located()
    counts, output = run(data)
    assert counts["masks_missing"] == 0
    for row in read(output):
        assert (row["mask"] is None) == (row["forgery"] == "real")
        if row["mask"] is not None:
            mask = decode_mask(row["mask"]["bytes"])
            x, y = data.where(f"real/{row['target']}", row["frame"])
            expected = np.zeros((120, 160), bool)
            expected[y + 10 : y + 30, x + 10 : x + 30] = True
            side = row["box_side"]
            cut = expected[row["box_y"] : row["box_y"] + side, row["box_x"] : row["box_x"] + side]
            assert mask.shape == (side, side)
            np.testing.assert_array_equal(mask > 128, cut)


def test_files_are_per_forgery_and_split_sorted_and_typed(located, run):
    _, output = run(located())
    names = sorted(path.name for path in output.iterdir())
    assert names == [
        "NT-test-000.parquet",
        "NT-train-000.parquet",
        "real-test-000.parquet",
        "real-train-000.parquet",
        "report.csv",
    ]
    for path in output.glob("*.parquet"):
        file = pq.ParquetFile(path)
        assert file.schema_arrow.equals(CROP_SCHEMA)
        rows = pq.read_table(path, columns=["video", "frame", "forgery", "split"]).to_pylist()
        assert rows == sorted(rows, key=lambda row: (row["video"], row["frame"]))
        assert {(row["forgery"], row["split"]) for row in rows} == {tuple(path.stem.split("-")[:2])}
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        assert all(size == 32 for size in sizes[:-1])
        group = file.metadata.row_group(0)
        columns = {group.column(k).path_in_schema: group.column(k) for k in range(group.num_columns)}
        assert all(column.compression == "UNCOMPRESSED" for column in columns.values())
        assert all(not column.has_dictionary_page for column in columns.values())
        for name in ("forgery", "quality", "split", "label", "video", "frame"):
            assert columns[name].is_stats_set, name
        assert not columns["image.bytes"].is_stats_set


def test_files_are_bounded_and_hold_whole_videos(toy):
    rows = open_store(toy().frames / "c23", "nowhere").videos()
    counts = {row.video: 30 for row in rows}
    files = plan_files(rows, counts, 45)
    assert [file.name for file in files] == [
        "NT-test-000.parquet",
        "NT-train-000.parquet",
        "real-test-000.parquet",
        "real-train-000.parquet",
    ]
    many = [replace(row, video=f"{row.video}{k}", split="train") for row in rows for k in range(4)]
    files = plan_files(many, {row.video: 30 for row in many}, 65)
    assert [len(file.videos) for file in files] == [2] * 8
    assert sorted(v for file in files for v in file.videos) == sorted(row.video for row in many)
    with pytest.raises(ValueError, match="rows_per_file must be at least 1"):
        plan_files(rows, counts, 0)


@pytest.mark.parametrize("on_miss", ["interpolate", "drop"])
def test_frames_without_a_face_follow_the_parameter_and_are_reported(located, run, on_miss):
    data = located(faceless={"real/001": list(range(18, 26))}, on_miss=on_miss)
    counts, output = run(data)
    assert counts["asked"] == 105 == counts["cut"] + counts["dropped"]
    with open(output / "report.csv", encoding="utf-8", newline="") as stream:
        report = {row["video"]: row for row in csv.DictReader(stream)}
    assert set(report) == {"real/001", "real/002", "NT/001_002", "NT/002_001"}
    lost = int(report["real/001"]["undetected"]) + int(report["real/001"]["dropped"])
    assert lost == 4
    assert (counts["dropped"] > 0) == (on_miss == "drop")
    assert sum(not row["detected"] for row in read(output)) == counts["undetected"]


def test_a_short_or_missing_mask_is_counted_and_the_crops_stay(located, run):
    data = located()
    (data.root / "masks" / "001_002.mp4").unlink()
    (data.root / "masks" / "002_001.mp4").write_bytes(b"no video")
    counts, output = run(data)
    assert counts["cut"] == 105
    assert counts["masks_missing"] == 65
    assert "mask video is missing or ends early" in (output / "report.csv").read_text()
    counts, _ = run(data, replace(OPTIONS, masks=False), name="without")
    assert counts["masks_missing"] == 0


def test_a_broken_video_is_left_out_and_reported_and_too_many_are_fatal(located, run):
    data = located()
    (data.frames / "c23" / "store" / "NT" / "001_002.mkv").write_bytes(b"no video")
    with pytest.raises(ValueError, match=r"1 of 4 did, for one NT/001_002: .*001_002.mkv must be a video"):
        run(data)
    counts, output = run(data, share=0.3)
    assert counts["failed"] == 1
    assert {row["video"] for row in read(output)} == {"real/001", "real/002", "NT/002_001"}
    assert "must be a video" in (output / "report.csv").read_text()


def test_a_part_whose_boxes_lack_frames_is_refused(located, run, tmp_path):
    data = located()
    path = tmp_path / "faces" / "boxes.parquet"
    table = pq.read_table(path)
    pq.write_table(table.filter(np.array([f != 6 for f in table["frame"].to_pylist()])), path)
    with pytest.raises(ValueError, match=r"must be located at every sampled frame; got no row for \[6\]"):
        run(data)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="boxes must be at"):
        run(data)


def test_wrong_options_are_refused(located, run):
    data = located()
    with pytest.raises(ValueError, match="encoding must be one of webp, png, i420"):
        run(data, replace(OPTIONS, encoding="jpeg"))
    with pytest.raises(ValueError, match="margin must be at least 1"):
        run(data, replace(OPTIONS, margin=0.5))


@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupted_run_resumes_and_leaves_the_same_bytes(located, run, monkeypatch, after):
    data = located()
    _, whole = run(data, name="whole", rows_per_file=30)
    cut, done = crops_module.crop_video, []

    def counting(task):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(task.row.video)
        cut(task)

    monkeypatch.setattr(crops_module, "crop_video", counting)
    with pytest.raises(KeyboardInterrupt):
        run(data, name="again", rows_per_file=30)
    after = 99
    _, again = run(data, name="again", rows_per_file=30)
    assert len(done) == len(set(done)) == 4
    assert sorted(p.name for p in again.iterdir()) == sorted(p.name for p in whole.iterdir())
    for path in whole.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


SCRIPT = """
import json, os, sys, time
from pathlib import Path
from deepfake_adv.data import cutting
from deepfake_adv.data.crops import crop_part
from deepfake_adv.data.cutting import CropOptions

frames, faces, output, root, work = map(Path, json.loads(sys.argv[1]))
if os.environ.get("SLOW"):
    encode = cutting.encode_crop
    cutting.encode_crop = lambda *crop: time.sleep(0.05) or encode(*crop)
if __name__ == "__main__":
    crop_part(
        "toy", "c23", frames, faces, output, root=root, options=CropOptions(1.3, "png", True), max_failed_share=0,
        execution={"workers": int(os.environ["WORKERS"])}, scratch=work,
    )
"""


@pytest.fixture
def command(tmp_path):
    """A command line that cuts the toy dataset in a process of its own."""

    def command(data, output):
        script = tmp_path / "cut.py"
        script.write_text(SCRIPT)
        folders = [data.frames / "c23", tmp_path / "faces", output, data.root, tmp_path / f"work-{output.name}"]
        return [sys.executable, str(script), json.dumps(list(map(str, folders)))]

    return command


def same(one, two):
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in two.iterdir())
    for path in one.iterdir():
        assert (two / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_one_worker_or_two_leave_the_same_bytes(located, run, command, tmp_path):
    data = located()
    _, one = run(data, name="one")
    subprocess.run(command(data, tmp_path / "two"), check=True, env={**os.environ, "WORKERS": "2"})
    same(one, tmp_path / "two")


@pytest.mark.slow
def test_a_run_ended_by_sigkill_resumes_and_leaves_the_same_bytes(located, run, command, tmp_path):
    data = located()
    _, whole = run(data, name="whole")
    line, environment = command(data, tmp_path / "killed"), {**os.environ, "WORKERS": "1"}
    process = subprocess.Popen(line, env={**environment, "SLOW": "1"})
    deadline = time.monotonic() + 60
    while not list((tmp_path / "work-killed").glob("*/pieces/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    subprocess.run(line, check=True, env=environment)
    same(whole, tmp_path / "killed")


def test_pandas_reads_the_crops(located, run):
    _, output = run(located())
    table = pd.read_parquet(output / "NT-train-000.parquet", columns=["video", "frame", "label", "image"])
    assert len(table) == 25
    assert set(table["label"]) == {1}
    assert decode_crop(table["image"][0]["bytes"], "png").ndim == 3


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["webp", "i420"])
def test_datasets_loads_and_decodes_the_crops(located, run, encoding, tmp_path):
    datasets = pytest.importorskip("datasets")
    _, output = run(located(), replace(OPTIONS, encoding=encoding))
    files = sorted(map(str, output.glob("NT-*.parquet")))
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == 65
    first = loaded[0]
    row = pq.read_table(files[0]).slice(0, 1).to_pylist()[0]
    assert isinstance(loaded.features["image"], datasets.Image)
    assert isinstance(loaded.features["mask"], datasets.Image)
    side = row["box_side"]
    assert first["image"].size == (side, side * 3 // 2 if encoding == "i420" else side)
    assert first["mask"].size == (side, side)
    if encoding == "webp":
        np.testing.assert_array_equal(np.asarray(first["image"]), decode_crop(row["image"]["bytes"], "webp"))
