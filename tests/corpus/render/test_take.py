"""Rendered takes: repeatable, varied, with landmarks that belong to the picture."""

import itertools

import cv2
import numpy as np
import pytest

from deepfake_adv.corpus.render.anatomy import Expression, Face
from deepfake_adv.corpus.render.head import Head, rotation
from deepfake_adv.corpus.render.landmarks import landmarks
from deepfake_adv.corpus.render.motion import Pose, perform
from deepfake_adv.corpus.render.take import Place, film

SIZE = 160


@pytest.fixture(scope="module")
def head():
    return Head(np.random.default_rng(5), unit=50.0)


def take(identity, frames=5, seed=1):
    return list(film(seed, identity, frames=frames, size=SIZE, fps=5))


def test_a_take_is_repeatable_and_identities_differ():
    first, again, other = take(0), take(0), take(1)
    for (picture, points), (same_picture, same_points) in zip(first, again, strict=True):
        np.testing.assert_array_equal(picture, same_picture)
        np.testing.assert_array_equal(points, same_points)
    assert np.abs(first[0][0].astype(int) - other[0][0]).mean() > 10


def test_another_take_shows_the_same_face_elsewhere():
    first, other = (next(film(1, 3, frames=1, size=SIZE, fps=5, number=number)) for number in (0, 1))
    assert np.abs(first[0][:30, :30].astype(int) - other[0][:30, :30]).mean() > 5  # another room
    faces = [Head(np.random.default_rng([1, 3, 1]), unit=30.0).face for _ in range(2)]
    assert faces[0] == faces[1]


def test_two_people_share_a_room_and_the_landmarks_are_the_ones_of_the_first():
    places = Place(-0.22, 0.6), Place(0.22, 0.66)
    settings = {"frames": 2, "size": 240, "fps": 5, "number": 2}
    both = list(film(1, 0, **settings, place=places[0], beside=[(1, places[1])]))
    alone = list(film(1, 0, **settings, place=places[0]))
    for (picture, points), (bare, same) in zip(both, alone, strict=True):
        np.testing.assert_array_equal(points, same)
        assert points[:, 0].max() < 120
        change = np.abs(picture.astype(int) - bare).mean(-1)
        assert change[60:160, 130:220].mean() > 10 * change[60:160, 5:70].mean()
        assert np.median(change[:30, :60]) < 4  # the room and the light are the first one's


def test_a_take_yields_pictures_and_points():
    picture, points = take(2, frames=1)[0]
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.dtype == np.uint8
    assert points.shape == (68, 2)
    assert points.dtype == np.float32


@pytest.mark.parametrize("identity", range(6))
def test_landmarks_lie_in_the_frame_and_in_anatomical_order(identity):
    for _, points in take(identity, frames=3):
        assert points.min() > 0
        assert points.max() < SIZE - 1
        eyes_left, eyes_right = points[36:42].mean(0), points[42:48].mean(0)
        assert eyes_left[0] < points[30, 0] < eyes_right[0]
        assert points[17:27, 1].mean() < eyes_left[1] < points[33, 1] < points[48:60, 1].mean() < points[8, 1]
        assert (points[[66, 65, 67], 1] >= points[[62, 63, 61], 1] - 0.2).all()
        assert (np.diff(points[2:15, 0]) > 0).all()
        assert points[:17, 1].argmax() in (7, 8, 9)


@pytest.mark.parametrize(
    "expression",
    [Expression(), Expression(jaw=0.8, smile=0.5, brows=0.7), Expression(pucker=0.8, frown=1.0, blink=1.0)],
)
@pytest.mark.parametrize("pose", [Pose(0, 0, 0, 42, 80, 75), Pose(0.25, -0.12, 0.1, 40, 84, 70)])
def test_what_is_painted_at_a_landmark_is_seen_at_the_landmark(head, expression, pose):
    """Dots painted on the canvas come out of the inverse projection where the forward one puts the points."""
    points = landmarks(head.face, expression)
    shown = head.landmarks(expression, pose)
    for index in (8, 19, 30, 36, 45, 48, 54, 57):
        x, y = head.canvas.pixels(*points[index])
        grid_x, grid_y = np.meshgrid(np.arange(head.canvas.width), np.arange(head.canvas.height))
        dot = np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / (2 * 2.0**2)).astype(np.float32)
        seen = head.project(dot, expression, pose, SIZE)
        rows, columns = np.mgrid[0:SIZE, 0:SIZE]
        centre = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
        assert np.abs(centre - shown[index]).max() < 0.8


def test_the_outline_of_the_jaw_is_where_the_head_ends(head):
    """Jaw landmarks sit on the level-1 line of the outline itself."""
    jaw = landmarks(head.face, Expression())[:17]
    level = head.face.level(jaw[:, 0], jaw[:, 1])
    np.testing.assert_allclose(level, 1.0, atol=0.02)


def test_blinks_shut_the_eyes_and_the_jaw_opens_the_mouth():
    face = Face.sample(np.random.default_rng(0))
    rest, shut, talking = (landmarks(face, e) for e in (Expression(), Expression(blink=1.0), Expression(jaw=1.0)))
    assert (shut[[40, 41], 1] - shut[[38, 37], 1]).max() < 0.2 * (rest[[40, 41], 1] - rest[[38, 37], 1]).min()
    assert talking[66, 1] - talking[62, 1] > rest[66, 1] - rest[62, 1] + 0.2


def test_rotation_is_a_rotation_and_turns_the_nose_to_the_right():
    turn = rotation(Pose(0.3, 0.1, 0.0, 1, 0, 0))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert (rotation(Pose(0.3, 0, 0, 1, 0, 0)) @ [0, 0, 1])[0] > 0


def test_performances_move_blink_and_speak():
    acted = [perform(np.random.default_rng(k), np.arange(100) / 25, 200) for k in range(5)]
    for performance in acted:
        poses = np.array([[p.yaw, p.pitch, p.roll, p.x, p.y] for p, _ in performance])
        assert np.ptp(poses, axis=0).min() > 0
        assert np.abs(poses[:, :3]).max() < 0.5
        assert max(e.blink for _, e in performance) > 0.9
        assert all(0 <= e.jaw <= 1 for _, e in performance)
        steps = [abs(b.jaw - a.jaw) for (_, a), (_, b) in itertools.pairwise(performance)]
        assert max(steps) < 0.5
    assert max(e.jaw for performance in acted for _, e in performance) > 0.3


def test_faces_are_found_by_the_reference_detector():
    dlib = pytest.importorskip("dlib")
    detector = dlib.get_frontal_face_detector()
    found = 0
    for identity in range(6):
        picture, points = next(film(1, identity, frames=1, size=224, fps=25))
        boxes = detector(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 1)
        if len(boxes) == 1:
            nose = points[30]
            found += boxes[0].left() < nose[0] < boxes[0].right() and boxes[0].top() < nose[1] < boxes[0].bottom()
    assert found == 6
