import csv
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepfake_adv.extraction import locate, tracking
from deepfake_adv.extraction.boxes import BOX_SCHEMA, read_videos
from deepfake_adv.extraction.locate import locate_dataset
from deepfake_adv.extraction.tracking import LocateOptions
from deepfake_adv.video.errors import VideoError

OPTIONS = LocateOptions(
    backend="dlib", policy="shared", every=10, smooth=15, landmarks="none", on_miss="interpolate", max_gap=8
)


@pytest.fixture
def run(tmp_path):
    def run(data, options=OPTIONS, name="faces", share=0.0, warn=1.0):
        counts = locate_dataset(
            "toy", data.inventory, data.frames, tmp_path / name, root=data.root, options=options,
            max_failed_share=share, warn_missed_share=warn, execution={"workers": 1}, scratch=tmp_path / "work",
        )  # fmt: skip
        boxes = pq.read_table(tmp_path / name / "boxes.parquet")
        with open(tmp_path / name / "misses.csv", encoding="utf-8", newline="") as stream:
            misses = list(csv.DictReader(stream))
        return counts, boxes, misses

    return run


def asked_in(data):
    table = pq.read_table(data.frames / "c23" / "frames.parquet", columns=["video", "frame"])
    return set(zip(table["video"].to_pylist(), table["frame"].to_pylist(), strict=True))


def test_a_target_shares_its_track_with_its_forgeries_by_absolute_index(toy, square_locator, run):
    data = toy()
    counts, boxes, misses = run(data)
    assert boxes.schema.equals(BOX_SCHEMA)
    assert not misses
    assert set(boxes["quality"].to_pylist()) == {None}
    assert counts == {"groups": 2, "asked": 105, "detected": 105, "filled": 0, "dropped": 0}
    assert len(square_locator) == 2 * 3  # positions 0, 10, 19 of each target; nothing else is looked at
    for row in boxes.to_pylist():
        x, y = data.where(f"real/{row['target']}", min(row["frame"], 38))
        assert abs(row["x0"] - x) <= 1, row
        assert abs(row["y0"] - y) <= 1, row
        assert row["x1"] - row["x0"] == pytest.approx(40, abs=0.5)
    keys = list(zip(boxes["video"].to_pylist(), boxes["frame"].to_pylist(), strict=True))
    assert set(keys) == asked_in(data)
    assert len(keys) == len(set(keys))


def test_official_looks_at_every_frame_of_every_video_of_every_quality(toy, square_locator, run):
    data = toy({"real/001": [20]})
    store = data.frames / "c40" / "store" / "real"
    shutil.copy(store / "002.mkv", store / "001.mkv")  # so that the qualities differ
    counts, boxes, misses = run(data, replace(OPTIONS, policy="official"))
    assert counts["groups"] == 8
    assert len(square_locator) == len(boxes) == 2 * 105
    left = {(row["video"], row["quality"], row["frame"]): row["x0"] for row in boxes.to_pylist()}
    assert len(left) == len(boxes)
    assert left["real/001", "c40", 0] == left["real/001", "c23", 0] + 3
    assert [(miss["video"], miss["quality"], miss["frame"]) for miss in misses] == [("real/001", "c23", "20")]


def test_without_its_target_a_forgery_is_its_own_lead(toy, square_locator, run):
    data = toy()
    for quality in ("c23", "c40"):
        for folder in (data.inventory / f"{quality}.csv", data.frames / quality / "videos.csv"):
            folder.write_text("".join(line for line in folder.read_text().splitlines(True) if "real/001" not in line))
        path = data.frames / quality / "frames.parquet"
        table = pq.read_table(path)
        pq.write_table(table.filter(np.array([v != "real/001" for v in table["video"].to_pylist()])), path)
    counts, boxes, _ = run(data)
    assert counts["groups"] == 2
    assert set(boxes["video"].to_pylist()) == {"NT/001_002", "NT/002_001", "real/002"}


@pytest.mark.parametrize(
    ("changes", "filled"),
    [({}, True), ({"max_gap": 7}, True), ({"max_gap": 6}, False), ({"on_miss": "drop"}, False)],
)
def test_every_miss_is_in_the_report_and_filled_over_a_short_gap_only(toy, square_locator, run, changes, filled):
    data = toy({"real/001": list(range(18, 24))})  # positions 9 to 11 of the lead: seven frames between 16 and 24
    counts, boxes, misses = run(data, replace(OPTIONS, **changes))
    assert counts["asked"] == counts["detected"] + counts["filled"] + counts["dropped"] == len(asked_in(data))
    lost = {(row["video"], row["frame"]) for row in boxes.to_pylist() if not row["detected"]}
    assert lost == {(miss["video"], int(miss["frame"])) for miss in misses}
    assert {("real/001", frame) for frame in range(18, 24, 2)} <= lost
    assert {miss["action"] for miss in misses} == {"interpolated" if filled else "dropped"}
    empty = {(row["video"], row["frame"]) for row in boxes.to_pylist() if row["x0"] is None}
    assert empty == (set() if filled else lost)
    assert counts["filled" if filled else "dropped"] == len(lost)


def test_what_is_dropped_of_a_source_is_dropped_of_its_forgery(toy, square_locator, run):
    _, boxes, misses = run(toy({"real/001": list(range(18))}))  # the forgery itself shows a face there
    dropped = {(row["video"], row["frame"]) for row in boxes.to_pylist() if row["x0"] is None}
    assert {frame for video, frame in dropped if video == "real/001"} == set(range(0, 18, 2))
    assert {frame for video, frame in dropped if video == "NT/001_002"} == set(range(18))
    assert {miss["reason"] for miss in misses} == {"no face found"}


def test_frames_past_the_sources_end_are_dropped_and_say_so(toy, square_locator, run):
    data = toy(qualities=("c23",))
    for path in (data.inventory / "c23.csv", data.frames / "c23" / "videos.csv"):
        path.write_text(path.read_text().replace("print-c23-001,40", "print-c23-001,20"))
    counts, boxes, misses = run(data)
    assert {miss["frame"] for miss in misses if miss["video"] == "NT/001_002"} == {str(k) for k in range(20, 25)}
    assert {miss["reason"] for miss in misses} == {"past the end of its source's 20 frames"}
    assert counts["dropped"] == len(misses) == sum(row["x0"] is None for row in boxes.to_pylist())


def test_a_video_with_too_many_misses_is_named(toy, square_locator, run, tmp_path, caplog):
    data = toy({"real/001": list(range(20))}, ("c23",))
    run(data, warn=0.45)
    lines = {line["video"]: line for line in read_videos(tmp_path / "faces")}
    assert {video for video, line in lines.items() if line["named"] == "1"} == {"real/001", "NT/001_002"}
    expected = {"asked": "20", "detected": "10", "filled": "0", "dropped": "10", "missed_share": "0.500", "others": "0"}
    assert expected.items() <= lines["real/001"].items()
    assert "more than 45% of the frames of NT/001_002 (80%), real/001 (50%)" in caplog.text
    caplog.clear()
    run(data, warn=0.8, name="again")
    assert "no face was detected" not in caplog.text


def test_a_video_without_a_face_is_dropped_and_reported(toy, square_locator, run):
    counts, boxes, misses = run(toy({"real/001": list(range(40))}))
    assert counts["dropped"] == len(misses) == 45
    assert {miss["action"] for miss in misses} == {"dropped"}
    assert {row["target"] for row in boxes.to_pylist() if row["x0"] is None} == {"001"}


def test_a_broken_video_is_reported_and_too_many_are_fatal(toy, square_locator, run, monkeypatch):
    data = toy()
    detect = tracking.detect_sparse
    broken = []

    def breaking(frames, *args, **options):
        if not broken:
            broken.append(1)
            raise VideoError("real/001.mp4 must decode; it breaks near frame 3. Copy the file again.")
        return detect(frames, *args, **options)

    monkeypatch.setattr(tracking, "detect_sparse", breaking)
    with pytest.raises(
        ValueError, match=r"at most 0.0% of the videos may fail in locate; 1 of 2 did, real/001 for one"
    ):
        run(data)
    broken.clear()
    monkeypatch.setattr(locate, "Scratch", lambda *a, **k: _fresh(*a, **k))
    counts, _, misses = run(data, share=0.5)
    assert counts["dropped"] == 45
    assert all("must decode" in miss["reason"] for miss in misses)


def _fresh(stage, key, *, code, root):
    from deepfake_adv.scratch import Scratch

    return Scratch(stage, {**key, "fresh": True}, code=code, root=root)


def test_a_killed_run_resumes_and_leaves_the_same_bytes(toy, square_locator, run, tmp_path, monkeypatch):
    data = toy({"real/002": [20, 22]})
    run(data, name="whole")
    write, written = tracking.write_group, []

    def dying(path, table):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write(path, table)

    monkeypatch.setattr(tracking, "write_group", dying)
    with pytest.raises(KeyboardInterrupt):
        run(data, name="again")
    monkeypatch.setattr(tracking, "write_group", write)
    before = len(square_locator)
    run(data, name="again")
    assert 0 < len(square_locator) - before < before  # the first group was not located again
    for name in ("boxes.parquet", "misses.csv", "videos.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "again").iterdir()) == ["boxes.parquet", "misses.csv", "videos.csv"]


def test_other_parameters_never_take_up_old_files(toy, square_locator, run):
    data = toy()
    _, wide, _ = run(data)
    _, narrow, _ = run(data, replace(OPTIONS, policy="official"))
    assert len(square_locator) == 6 + 2 * 105
    assert 2 * wide.num_rows == narrow.num_rows


def test_landmarks_follow_the_shared_track(toy, square_locator, run, monkeypatch):
    def corners(rgb, box):
        return np.tile(np.float32([box.x0, box.y0]), (68, 1))

    monkeypatch.setattr(tracking, "_landmarker", lambda name: corners)
    _, boxes, _ = run(toy(), replace(OPTIONS, landmarks="dlib"))
    for row in boxes.to_pylist():
        assert len(row["landmarks"]) == 136
        assert row["landmarks"][:2] == pytest.approx([row["x0"], row["y0"]])


def test_with_two_people_in_view_the_mask_decides_for_dfd(toy, run, monkeypatch):
    data = toy(qualities=("c23",))
    for path in (data.inventory / "c23.csv", data.frames / "c23" / "videos.csv"):
        path.write_text(path.read_text().replace(",NT,", ",DFD,"))
    from deepfake_adv.faces.box import FaceBox

    def two(rgb):
        rows, columns = np.nonzero(rgb[:, :, 1] > 180)
        x, y = float(columns.min()), float(rows.min())
        return [FaceBox(110, 60, 160, 110, 3.0), FaceBox(x, y, x + 40, y + 40, 1.0)]

    monkeypatch.setattr(tracking, "_locator", lambda *options: two)
    counts, boxes, _ = run(data, replace(OPTIONS, smooth=1))
    assert counts["groups"] == 4
    for row in boxes.to_pylist():
        inside = row["x0"] < 105
        assert inside == row["video"].startswith("NT/"), row  # the reals have no mask: the larger face


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "best"}, "policy must be one of shared, official, fast; got 'best'"),
        ({"on_miss": "guess"}, "on_miss must be interpolate or drop; got 'guess'"),
        ({"max_gap": -1}, "max_gap must be at least 0; got -1"),
        ({"every": 0}, "every must be at least 1"),
        ({"smooth": 4}, "smooth must be odd"),
    ],
)
def test_wrong_options_are_refused_before_any_work(toy, run, change, message):
    with pytest.raises(ValueError, match=message):
        run(toy(), replace(OPTIONS, **change))


def test_missing_inputs_are_named(toy, square_locator, run):
    data = toy()
    with pytest.raises(FileNotFoundError, match="frame tables must be in"):
        run(replace(data, frames=data.root))
    path = data.inventory / "c23.csv"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "real/001" not in line))
    with pytest.raises(ValueError, match="real/001 must be in the inventory"):
        run(data)
