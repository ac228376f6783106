import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.reporting.contact_sheet import faces


def test_one_target_real_and_forged_at_each_quality(tmp_path):
    for quality, level in (("c40", 80), ("raw", 160)):
        for forgery, shift in (("real", 0), ("NT", 40), ("DF", 20)):
            folder = tmp_path / "corpus" / quality
            folder.mkdir(parents=True, exist_ok=True)
            png = cv2.imencode(".png", np.full((8, 8, 3), level + shift, np.uint8))[1].tobytes()
            rows = [
                {"image": {"bytes": png, "path": ""}, "target": target, "video": "v", "frame": k, "encoding": "png"}
                for target in ("003", "004")
                for k in range(5)
            ]
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{forgery}-test-000.parquet", row_group_size=3)
    pictures, rows, columns = faces(tmp_path, "corpus", targets=1)
    assert rows == ["raw, 003", "c40, 003"]
    assert columns == ["real", "DF", "NT"]
    assert [[int(picture[0, 0, 0]) for picture in line] for line in pictures] == [[160, 180, 200], [80, 100, 120]]


def test_forged_crops_are_those_nearest_in_time_to_the_real_one(tmp_path):
    sampled = {"real": {"v": range(5, 29, 2)}, "DF": {"v": range(0, 40, 4)}, "NT": {"v": [30, 40], "w": [11]}}
    for forgery, videos in sampled.items():
        rows = [
            {
                "image": {"bytes": cv2.imencode(".png", np.full((8, 8, 3), frame, np.uint8))[1].tobytes(), "path": ""},
                "target": "003",
                "video": f"{forgery}/{video}",
                "frame": frame,
                "encoding": "png",
            }
            for video, frames in videos.items()
            for frame in frames
        ]
        (tmp_path / "corpus" / "raw").mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "corpus" / "raw" / f"{forgery}-test-000.parquet")
    pictures, _, columns = faces(tmp_path, "corpus", targets=1)
    assert columns == ["real", "DF", "NT"]
    assert [int(picture[0, 0, 0]) for picture in pictures[0]] == [11, 12, 30]  # NT's second video is not looked at


def test_a_target_without_every_forgery_has_no_row(tmp_path):
    png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (tmp_path / "corpus" / "raw").mkdir(parents=True)
    for forgery, targets in (("real", ("003", "004")), ("NT", ("004",))):
        rows = [
            {"image": {"bytes": png, "path": ""}, "target": target, "video": "v", "frame": 0, "encoding": "png"}
            for target in targets
        ]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "corpus" / "raw" / f"{forgery}-test-000.parquet")
    assert faces(tmp_path, "corpus", targets=2)[1] == ["raw, 004"]


def test_no_crops_no_sheet(tmp_path):
    assert faces(tmp_path, "corpus", targets=2) == ([], [], [])
