"""Made videos in which the face is missing, hidden or another's: what `locate` leaves of them, dlib looking."""

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from deepfake_adv.corpus.render.take import film
from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.extraction.boxes import BOXES, read_videos
from deepfake_adv.extraction.frames import STORE, TABLE, VIDEOS, frame_table, write_frame_table
from deepfake_adv.extraction.locate import locate_dataset
from deepfake_adv.extraction.sampling import even_indices
from deepfake_adv.extraction.tracking import LocateOptions
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_ffv1

SIZE = 144
OPTIONS = LocateOptions(
    backend="dlib", policy="shared", every=10, smooth=15, landmarks="none", on_miss="interpolate", max_gap=8
)
BLACK = np.zeros((SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def person():
    """Frames of one of two people."""
    filmed = {
        identity: [picture for picture, _ in film(1, identity, frames=30, size=SIZE, fps=25)] for identity in (0, 1)
    }
    return lambda identity, count, start=0: filmed[identity][start : start + count]


def building(seed):
    """A facade: rows of windows of one colour on a wall of another."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIZE, SIZE, 3), rng.integers(60, 200, 3), np.uint8)
    step = int(rng.integers(14, 30))
    for x in range(6, SIZE - step, step):
        for y in range(6, SIZE - step, step):
            picture[y : y + step * 2 // 3, x : x + step // 2] = rng.integers(20, 240, 3)
    return picture


@pytest.fixture
def locate(tmp_path):
    """Locate one real video of these pictures; its box rows by frame, and its line of videos.csv."""

    def locate(pictures, wanted=None):
        indices = [int(index) for index in even_indices(len(pictures), wanted or len(pictures))]
        height, width = pictures[0].shape[:2]
        row = VideoRow(
            "real/000", 0, "real", "train", "000", "", "000.mp4", "", 1, "print", len(pictures), 25.0, width, height,
            "ok", "",
        )  # fmt: skip
        folder = tmp_path / "frames" / "c23"
        write_ffv1(folder / STORE / "real" / "000.mkv", [rgb_to_i420(pictures[index]) for index in indices])
        write_frame_table(folder / TABLE, frame_table([(row, indices, [index / 25 for index in indices])]))
        for path in (folder / VIDEOS, tmp_path / "inventory" / "c23.csv"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(format_rows([row]))
        locate_dataset(
            "made", tmp_path / "inventory", tmp_path / "frames", tmp_path / "faces", root=tmp_path,
            options=OPTIONS, max_failed_share=0, warn_missed_share=0.1, execution={"workers": 1},
            scratch=tmp_path / "work",
        )  # fmt: skip
        boxes = {row["frame"]: row for row in pq.read_table(tmp_path / "faces" / BOXES).to_pylist()}
        return boxes, read_videos(tmp_path / "faces")[0]

    return locate


def test_black_frames_before_a_face_are_dropped_counted_and_named(locate, person):
    boxes, video = locate([BLACK] * 100 + person(0, 30), 20)
    assert len(boxes) == 20
    assert {frame for frame, row in boxes.items() if row["x0"] is None} == {frame for frame in boxes if frame < 100}
    dropped = sum(frame < 100 for frame in boxes)
    assert (video["dropped"], video["filled"], video["named"]) == (str(dropped), "0", "1")
    assert dropped >= 15


def test_a_montage_gives_faces_only(locate, person):
    shots = [[building(0)] * 5, person(0, 6), [building(1)] * 5, [building(2)] * 3, person(1, 5), [building(3)] * 6]
    boxes, video = locate([picture for shot in shots for picture in shot])
    faces = {*range(5, 11), *range(19, 24)}
    assert {frame for frame, row in boxes.items() if row["x0"] is not None} == faces
    assert video["shots"] == "6"


def test_a_few_black_frames_between_two_of_a_face_are_not_filled(locate, person):
    boxes, _ = locate(person(0, 12) + [BLACK] * 3 + person(0, 12, 12))
    assert {frame for frame, row in boxes.items() if row["x0"] is None} == {12, 13, 14}


def test_who_is_hidden_in_one_frame_is_not_replaced_by_a_neighbour(locate, person):
    pictures = []
    for number, (large, small) in enumerate(zip(person(0, 20), person(1, 20), strict=True)):
        if number == 10:
            large = large.copy()
            large[40:125, 30:115] = cv2.GaussianBlur(large[40:125, 30:115], (0, 0), 5)  # no cut, and no face for dlib
        beside = np.full_like(large, 120)
        beside[8 : 8 + 124, 8 : 8 + 124] = cv2.resize(small, (124, 124), interpolation=cv2.INTER_AREA)
        pictures.append(np.concatenate([large, beside], axis=1))
    boxes, video = locate(pictures)
    assert all(row["x1"] < SIZE for row in boxes.values())
    assert [frame for frame, row in boxes.items() if not row["detected"]] == [10]
    assert (video["others"], video["filled"], video["shots"]) == ("1", "1", "1")


def test_a_cut_to_another_face_at_the_same_spot_begins_a_shot(locate, person):
    boxes, video = locate(person(0, 12) + person(1, 12))
    assert video["shots"] == "2"
    assert all(row["detected"] for row in boxes.values())
