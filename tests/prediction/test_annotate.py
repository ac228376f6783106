import logging

import cv2
import numpy as np
import pytest

from deepfake_adv.prediction.annotate import annotate, annotate_all, boxes_by_frame, output_names
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.picture import read_rgb
from deepfake_adv.video.read import probe, read_frames

FACE = [60.0, 40.0, 120.0, 100.0]


def person(*frames):
    return {"score": 0.5, "frames": [{"frame": f, "box": box, "score": s, "detected": True} for f, box, s in frames]}


def row_of(path, *people, missed=(), damage=""):
    return {
        "path": str(path), "status": "scored", "people": list(people), "frames": {"missed": list(missed)},
        "damage": damage,
    }  # fmt: skip


def test_boxes_move_in_equal_steps_between_frames_that_follow_each_other():
    boxes = boxes_by_frame(row_of("a.mp4", person((0, [0, 0, 10, 10], 0.2), (4, [8, 4, 18, 14], 0.8))))
    assert sorted(boxes) == [0, 1, 2, 3, 4]
    corners, score, looked_at = boxes[1][0]
    assert (corners.tolist(), score, looked_at) == ([2, 1, 12, 11], 0.2, False)
    assert boxes[3][0][1] == 0.8
    assert boxes[4][0][2]


def test_a_person_who_is_not_scored_has_no_box():
    assert sorted(boxes_by_frame(row_of("a.mp4", person(), person((2, FACE, 0.1))))[2]) == [1]


def test_nothing_is_drawn_over_a_frame_without_the_person():
    one = person((0, FACE, 0.2), (8, FACE, 0.8))
    assert sorted(boxes_by_frame(row_of("a.mp4", one, missed=[4]))) == [0, 8]
    other = person((4, FACE, 0.1))
    assert sorted(boxes_by_frame(row_of("a.mp4", one, other))) == [0, 4, 8]


def test_a_video_keeps_its_frames_and_has_the_boxes(film, tmp_path):
    clip = film([[]] * 10)
    annotate(row_of(clip, person((0, FACE, 0.2), (9, FACE, 0.8))), tmp_path / "out/a.mp4")
    facts, new = probe(clip), probe(tmp_path / "out/a.mp4")
    assert (new.frames, new.fps, new.width, new.height) == (facts.frames, facts.fps, facts.width, facts.height)
    before, after = (np.stack(list(read_frames(path))).astype(int) for path in (clip, tmp_path / "out/a.mp4"))
    change = np.abs(after - before)[:, :128].mean(0)
    assert change[40, 70:110].mean() > 30  # the box's upper edge
    assert change[64:90, 74:106].mean() < 5  # the face itself


def test_a_picture_has_the_boxes(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((128, 192, 3), 60, np.uint8))
    annotate(row_of(tmp_path / "a.png", person((0, FACE, 0.2))), tmp_path / "b.jpg")
    drawn = read_rgb(tmp_path / "b.jpg")
    assert drawn.shape == (128, 192, 3)
    assert (np.abs(drawn[40, 70:110].astype(int) - 60).max(1) > 40).all()


def test_names_are_those_of_the_files_and_never_equal(tmp_path):
    from pathlib import Path

    names = output_names([Path("x/one.mp4"), Path("y/ONE.avi"), Path("two.v2.mkv"), Path("p.png")])
    assert names[2:] == ["two.v2.annotated.mp4", "p.annotated.jpg"]
    assert len({name.casefold() for name in names}) == 4
    assert all(name.lower().startswith("one.") and name.endswith(".annotated.mp4") for name in names[:2])


def test_one_file_that_is_gone_does_not_stop_the_others(film, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    clip = film([[]] * 4)
    gone = row_of(tmp_path / "gone.mp4", person((0, FACE, 0.2)))
    rows = [gone, {**gone, "status": "failed"}, row_of(clip, person((0, FACE, 0.2)))]
    assert annotate_all(rows, tmp_path / "out", quiet=True) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.annotated.mp4"]
    assert "gone.mp4 must be readable" in caplog.text
    with pytest.raises(VideoError, match=r"gone\.mp4 must be readable"):
        annotate(gone, tmp_path / "out/a.mp4")


def test_of_a_damaged_video_what_decodes_is_drawn(film, tmp_path):
    clip = film([[]] * 40)
    content = bytearray(clip.read_bytes())
    low, high = int(0.6 * len(content)), int(0.75 * len(content))
    content[low:high] = bytes(high - low)
    clip.write_bytes(content)
    annotate(row_of(clip, person((0, FACE, 0.2)), damage="some"), tmp_path / "a.mp4")
    assert 0 < probe(tmp_path / "a.mp4").frames < 40
