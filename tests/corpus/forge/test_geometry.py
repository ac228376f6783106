"""Landmark geometry against slow, independent computations."""

import numpy as np
import pytest

from deepfake_adv.corpus.forge import geometry
from deepfake_adv.corpus.forge.expression import best_frames, limit_opening, lip_gap, reenact


@pytest.fixture(scope="module")
def track(footage):
    return footage[0][1]


def similarity(angle, scale, shift):
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


def test_eye_frame_puts_the_eyes_on_the_axis_at_distance_one(track):
    shape = geometry.upright(track)
    np.testing.assert_allclose(shape[:, geometry.LEFT_EYE].mean(1), [[-0.5, 0]] * len(track), atol=1e-9)
    np.testing.assert_allclose(shape[:, geometry.RIGHT_EYE].mean(1), [[0.5, 0]] * len(track), atol=1e-9)


def test_upright_shapes_do_not_depend_on_pose(track):
    moved = geometry.transform(similarity(0.3, 1.7, (20, -5)), track)
    np.testing.assert_allclose(geometry.upright(moved), geometry.upright(track), atol=1e-9)


def test_invert_undoes_transform():
    matrix = similarity(-0.4, 0.6, (3, 9))
    points = np.random.default_rng(0).normal(size=(7, 2))
    back = geometry.transform(geometry.invert(matrix), geometry.transform(matrix, points))
    np.testing.assert_allclose(back, points, atol=1e-9)


def test_triangles_tile_the_hull_of_the_points(track):
    mesh = geometry.with_forehead(track[0], 0.2)
    triangles = geometry.triangulate(mesh)
    corners = mesh[triangles]
    edges = corners[:, 1:] - corners[:, :1]
    areas = 0.5 * np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    import cv2

    hull = cv2.contourArea(cv2.convexHull(mesh.astype(np.float32)))
    assert areas.sum() == pytest.approx(hull, rel=0.02)


def test_mesh_warp_of_an_affine_move_is_that_move(track):
    mesh = geometry.with_forehead(track[0], 0.2)
    matrix = similarity(0.1, 1.2, (-4, 7))
    triangles = geometry.triangulate(mesh)
    warp = geometry.mesh_warp(mesh, geometry.transform(matrix, mesh), triangles, (160, 160))
    rows, columns = np.nonzero(warp.inside)
    here = np.stack([columns + warp.columns.start, rows + warp.rows.start], -1).astype(np.float64)
    expected = geometry.transform(matrix, here)
    np.testing.assert_allclose(warp.x[rows, columns], expected[:, 0], atol=1e-2)
    np.testing.assert_allclose(warp.y[rows, columns], expected[:, 1], atol=1e-2)


def test_a_mesh_laid_over_itself_fetches_the_picture_itself(footage, track):
    picture = footage[0][0][0]
    mesh = track[0][17:]
    warp = geometry.mesh_warp(mesh, mesh, geometry.triangulate(mesh), picture.shape[:2])
    fetched = warp.fetch(picture)[warp.inside].astype(int)
    assert np.abs(fetched - picture[warp.rows, warp.columns][warp.inside]).max() <= 2


def test_a_mesh_beyond_the_frame_is_clipped(track):
    mesh = track[0] + [150, -140]
    warp = geometry.mesh_warp(mesh, track[0], geometry.triangulate(mesh), (160, 160))
    assert 0 <= warp.rows.start < warp.rows.stop <= 160
    assert 0 <= warp.columns.start < warp.columns.stop <= 160


def test_reenacting_with_oneself_keeps_pose_and_eyes(track):
    out = reenact(track, track, gain=0.6, whole_face=False)
    keep = np.r_[0:4, 13:48]
    np.testing.assert_allclose(out[:, keep], track[:, keep], atol=1e-6)


def test_reenactment_takes_over_the_drivers_opening(footage):
    target, driver = footage[0][1], footage[1][1]
    count = len(target)
    out = reenact(target, driver, gain=1.0, whole_face=True)
    gaps = lip_gap(driver)[:count]
    made = lip_gap(out)
    assert np.corrcoef(gaps, made)[0, 1] > 0.9
    assert (made > 0).all()


def test_limited_mouths_are_no_wider_than_requested_and_shut_ones_stay(track):
    index = int(lip_gap(track).argmax())
    limited = limit_opening(track[index], 0.01)
    assert lip_gap(limited[None])[0] <= 0.011
    np.testing.assert_allclose(limit_opening(track[index], 1.0), track[index], atol=1e-6)
    np.testing.assert_allclose(limited[:48], track[index][:48], atol=1e-6)


def test_the_best_frame_for_a_shape_of_the_pool_agrees_with_it(track):
    chosen = best_frames(track, track, jump_cost=0.0)
    np.testing.assert_allclose(lip_gap(track)[chosen], lip_gap(track), atol=0.01)


def test_smoothing_over_time_is_a_weighted_mean_of_neighbours_and_holds_the_ends():
    track = np.random.default_rng(0).normal(size=(12, 3, 2))
    smooth = geometry.smooth_over_time(track, 0.7)
    weights = {step: np.exp(-0.5 * (step / 0.7) ** 2) for step in (-2, -1, 0, 1, 2)}
    for moment in range(12):
        held = [(weight, track[min(max(moment + step, 0), 11)]) for step, weight in weights.items()]
        expected = sum(weight * value for weight, value in held) / sum(weights.values())
        np.testing.assert_allclose(smooth[moment], expected, atol=1e-12)
    np.testing.assert_allclose(geometry.smooth_over_time(np.ones((5, 2)), 1.5), 1.0)
    assert geometry.smooth_over_time(track, 0.0) is track
    assert geometry.smooth_over_time(track.astype(np.float32), 1.0).dtype == np.float32
