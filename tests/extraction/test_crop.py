import csv
import pydoc
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.codec import decode_crop, decode_mask
from deepfake_adv.crops.files import CROP_SCHEMA
from deepfake_adv.extraction.crop import plan_files
from deepfake_adv.extraction.cutting import CropOptions
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.faces.box import FaceBox, official_crop
from deepfake_adv.video.colour import i420_to_rgb

OPTIONS = CropOptions(margin=1.3, encoding="png", masks=True)


def read(output):
    return [row for path in sorted(output.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("encoding", ["webp", "png", "i420"])
def test_a_crop_is_the_official_square_of_the_decoded_frame(located, cut, encoding):
    data = located()
    counts, output = cut(data, replace(OPTIONS, encoding=encoding))
    rows = read(output)
    assert counts["cut"] == len(rows) == 105
    store = FrameStore(data.frames / "c23", data.root)
    frames = {(video, f): planes for video in {r["video"] for r in rows} for f, planes in store.of(video).read()}
    for row in rows[::7]:
        box = FaceBox(*(row[f"face_{corner}"] for corner in ("x0", "y0", "x1", "y1")))
        square = official_crop(box, 160, 120, even=encoding == "i420")
        assert (row["box_x"], row["box_y"], row["box_side"]) == square
        rgb = i420_to_rgb(frames[row["video"], row["frame"]])
        expected = rgb[square.y : square.y + square.side, square.x : square.x + square.side]
        np.testing.assert_array_equal(decode_crop(row["image"]["bytes"], row["encoding"]), expected)
        assert (row["width"], row["height"]) == (160, 120)


def test_masks_are_cut_by_the_same_square_at_the_same_frames(located, cut):
    data = located()
    counts, output = cut(data)
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


def test_files_are_per_forgery_and_split_sorted_and_typed(located, cut):
    _, output = cut(located())
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
    rows = FrameStore(toy().frames / "c23", "nowhere").rows.values()
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
def test_frames_without_a_face_follow_the_parameter_and_are_reported(located, cut, on_miss):
    data = located(faceless={"real/001": list(range(18, 24))}, on_miss=on_miss)
    counts, output = cut(data)
    assert counts["asked"] == 105 == counts["cut"] + counts["dropped"]
    with open(output / "report.csv", encoding="utf-8", newline="") as stream:
        report = {row["video"]: row for row in csv.DictReader(stream)}
    assert set(report) == {"real/001", "real/002", "NT/001_002", "NT/002_001"}
    lost = int(report["real/001"]["undetected"]) + int(report["real/001"]["dropped"])
    assert lost == 3
    assert (counts["dropped"] > 0) == (on_miss == "drop")
    assert sum(not row["detected"] for row in read(output)) == counts["undetected"]


def test_a_short_or_missing_mask_is_counted_and_the_crops_stay(located, cut):
    data = located()
    (data.root / "masks" / "001_002.mp4").unlink()
    (data.root / "masks" / "002_001.mp4").write_bytes(b"no video")
    counts, output = cut(data)
    assert counts["cut"] == 105
    assert counts["masks_missing"] == 65
    assert "mask video is missing or ends early" in (output / "report.csv").read_text()
    counts, _ = cut(data, replace(OPTIONS, masks=False), name="without")
    assert counts["masks_missing"] == 0


def test_a_broken_video_is_left_out_and_reported_and_too_many_are_fatal(located, cut):
    data = located()
    (data.frames / "c23" / "store" / "NT" / "001_002.mkv").write_bytes(b"no video")
    with pytest.raises(ValueError, match=r"1 of 4 did, NT/001_002 for one: .*001_002.mkv must be a video"):
        cut(data)
    counts, output = cut(data, share=0.3)
    assert counts["failed"] == 1
    assert {row["video"] for row in read(output)} == {"real/001", "real/002", "NT/002_001"}
    assert "must be a video" in (output / "report.csv").read_text()


def test_a_rerun_refuses_a_broken_video_again_and_takes_it_once_it_is_fixed(located, cut):
    data = located()
    video = data.frames / "c23" / "store" / "NT" / "001_002.mkv"
    whole = video.read_bytes()
    video.write_bytes(b"no video")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"1 of 4 did, NT/001_002 for one"):
            cut(data)
    video.write_bytes(whole)
    counts, output = cut(data)
    assert (counts["failed"], counts["cut"], len(read(output))) == (0, 105, 105)


def test_a_part_whose_boxes_lack_frames_is_refused(located, cut, tmp_path):
    data = located()
    path = tmp_path / "faces" / "boxes.parquet"
    table = pq.read_table(path)
    pq.write_table(table.filter(np.array([f != 6 for f in table["frame"].to_pylist()])), path)
    with pytest.raises(ValueError, match=r"must be located at every sampled frame; got no row for \[6\]"):
        cut(data)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="boxes must be at"):
        cut(data)


def test_each_quality_is_cut_by_its_own_boxes_where_there_are_such(located, cut, tmp_path):
    data = located()
    path = tmp_path / "faces" / "boxes.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("quality")
    own, other = (table.set_column(place, "quality", pa.array([name] * len(table))) for name in ("c23", "c40"))
    lost = other.set_column(table.schema.get_field_index("x0"), "x0", pa.nulls(len(table), pa.float32()))
    pq.write_table(pa.concat_tables([own, lost]), path)
    assert cut(data)[0]["cut"] == 105


def test_wrong_options_are_refused(located, cut):
    data = located()
    with pytest.raises(ValueError, match="encoding must be one of webp, png, i420"):
        cut(data, replace(OPTIONS, encoding="jpeg"))
    with pytest.raises(ValueError, match="margin must be at least 1"):
        cut(data, replace(OPTIONS, margin=0.5))


def test_pandas_reads_the_crops(located, cut):
    _, output = cut(located())
    table = pd.read_parquet(output / "NT-train-000.parquet", columns=["video", "frame", "label", "image"])
    assert len(table) == 25
    assert set(table["label"]) == {1}
    assert decode_crop(table["image"][0]["bytes"], "png").ndim == 3


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["webp", "i420"])
def test_datasets_loads_and_decodes_the_crops(located, cut, encoding, tmp_path):
    datasets = pytest.importorskip("datasets")
    _, output = cut(located(), replace(OPTIONS, encoding=encoding))
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


@pytest.mark.parametrize(("name", "words"), [("frames", "frame table"), ("boxes", "box table")])
def test_a_damaged_table_is_no_error_of_the_videos(located, cut, tmp_path, name, words):
    data = located()
    path = data.frames / "c23/frames.parquet" if name == "frames" else tmp_path / "faces/boxes.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=rf"{name}\.parquet must be a complete {words}; got: .*\. Delete it and run"):
        cut(data)


def test_no_table_that_grows_with_the_videos_is_read_for_each_of_them(located, cut, monkeypatch):
    data, read = located(), []
    for name in ("read_rows", "pq.read_table"):
        whole = f"deepfake_adv.extraction.frames.{name}"
        function = pydoc.locate(whole)
        monkeypatch.setattr(whole, lambda path, *a, f=function, **k: read.append(str(path)) or f(path, *a, **k))
    counts, _ = cut(data)
    tables = [path for path in read if path.endswith(("videos.csv", "frames.parquet", "boxes.parquet"))]
    assert counts["videos"] == 4
    assert len(tables) == len(set(tables)) == 3
