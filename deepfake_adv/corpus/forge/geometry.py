"""Landmark geometry that the forgeries share: alignment, triangles, piecewise-affine warps, hulls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Frame = NDArray[Any]  # uint8
Layer = NDArray[Any]  # float32

BROWS = np.arange(17, 27)
LEFT_EYE = np.arange(36, 42)
RIGHT_EYE = np.arange(42, 48)
MOUTH = np.arange(48, 68)
# Inner lips, upper and lower point of each pair that meets when the mouth shuts.
INNER_LIPS = ((61, 67), (62, 66), (63, 65))


def eye_frame(points: Points) -> Points:
    """Similarity ``(2, 3)`` to head-bound coordinates: origin between the eyes, eye distance 1, upright."""
    left, right = points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)
    dx, dy = right - left
    squared = max(dx * dx + dy * dy, 1e-6)
    turn = np.array([[dx, dy], [-dy, dx]]) / squared
    return np.hstack([turn, -(turn @ ((left + right) / 2))[:, None]])


def transform(matrix: Points, points: Points) -> Points:
    """Apply an affine ``(2, 3)`` to points ``(..., 2)``."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: Points) -> Points:
    """Inverse of an affine ``(2, 3)``."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def upright(track: Points) -> Points:
    """Landmarks ``(N, 68, 2)`` of a clip, each frame in its own eye frame."""
    return np.stack([transform(eye_frame(points), points) for points in track])


def smooth_over_time(track: NDArray[Any], deviation: float) -> NDArray[Any]:
    """A clip's values ``(N, ...)``, Gaussian-filtered over time; the end values are repeated.

    Args:
        track: One float array per frame.
        deviation: Standard deviation of the filter, frames; 0 returns the track unchanged.
    """
    radius = round(3 * deviation)
    if not radius:
        return track
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2).astype(track.dtype)
    kernel /= kernel.sum()
    edges = [(radius, radius)] + [(0, 0)] * (track.ndim - 1)
    padded = np.pad(track, edges, mode="edge")
    return np.asarray(sum(weight * padded[k : k + len(track)] for k, weight in enumerate(kernel)))


def with_forehead(points: Points, height: float) -> Points:
    """Add seven points above the brows, ``height`` of the distance from eyes to chin: ``(75, 2)``."""
    eyes = (points[LEFT_EYE].mean(0) + points[RIGHT_EYE].mean(0)) / 2
    up = (eyes - points[8]) * height
    rise = np.array([0.5, 0.9, 1.0, 1.05, 1.0, 0.9, 0.5])[:, None]
    base = np.stack([*points[[17, 19, 20]], points[[21, 22]].mean(0), *points[[23, 24, 26]]])
    return np.concatenate([points, base + rise * up])


def triangulate(points: Points) -> NDArray[np.intp]:
    """Delaunay triangles of ``points``, ``(T, 3)`` indices; the order is OpenCV's, so it is repeatable."""
    low, high = np.floor(points.min(0)) - 2, np.ceil(points.max(0)) + 3
    plane = cv2.Subdiv2D((int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])))
    for x, y in points:
        plane.insert((float(x), float(y)))
    triangles = []
    for corners in np.asarray(plane.getTriangleList()).reshape(-1, 3, 2):
        distance = np.linalg.norm(points[None] - corners[:, None], axis=2)
        nearest = distance.argmin(1)
        if distance.min(1).max() < 0.5 and len(set(nearest.tolist())) == 3:
            triangles.append(nearest)
    return np.array(triangles, np.intp).reshape(-1, 3)


@dataclass(frozen=True)
class Warp:
    """A backward map over a box of the destination.

    Attributes:
        rows, columns: The box in the destination picture.
        x, y: Where each of its pixels is found in the source, ``(h, w)`` float32.
        inside: Which pixels the mesh covers.
    """

    rows: slice
    columns: slice
    x: Layer
    y: Layer
    inside: NDArray[np.bool_]

    def fetch(self, picture: Frame | Layer) -> Frame | Layer:
        """The source's pixels, warped into the box."""
        return cv2.remap(picture, self.x, self.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def mesh_warp(to: Points, source: Points, triangles: NDArray[np.intp], shape: tuple[int, int]) -> Warp:
    """Piecewise-affine map that warps the mesh ``source`` onto the mesh ``to``.

    Args:
        to: ``(P, 2)`` vertices in the destination, pixels.
        source: ``(P, 2)`` the same vertices in the source picture.
        triangles: ``(T, 3)`` vertex indices.
        shape: Height and width of the destination.
    """
    height, width = shape
    left, top = (int(v) for v in np.clip(np.floor(to.min(0)) - 1, 0, [width - 2, height - 2]))
    right, bottom = (int(v) for v in np.clip(np.ceil(to.max(0)) + 2, [left + 2, top + 2], [width, height]))
    owner = np.full((bottom - top, right - left), -1, np.int32)
    corners = np.concatenate([to[triangles], np.ones((len(triangles), 3, 1))], axis=2)
    solid = np.abs(np.linalg.det(corners)) > 0.5
    affine = np.zeros((len(triangles), 3, 2))
    affine[solid] = np.linalg.solve(corners[solid], source[triangles][solid])
    fixed = np.round((to[triangles] - [left, top]) * 16).astype(np.int32)
    for index in np.flatnonzero(solid).tolist():
        cv2.fillConvexPoly(owner, fixed[index], index, cv2.LINE_8, 4)
    inside = owner >= 0
    rule = affine.astype(np.float32)[np.maximum(owner, 0)]
    x = np.arange(left, right, dtype=np.float32)[None]
    y = np.arange(top, bottom, dtype=np.float32)[:, None]
    found = x[..., None] * rule[:, :, 0] + y[..., None] * rule[:, :, 1] + rule[:, :, 2]
    look_x, look_y = (np.ascontiguousarray(found[..., k]) for k in (0, 1))
    return Warp(slice(top, bottom), slice(left, right), look_x, look_y, inside)


def hull(points: Points, shape: tuple[int, int], *, grow: float = 0.0) -> Frame:
    """Convex hull of the points, scaled by ``1 + grow`` about their mean, as a 0/255 picture."""
    centre = points.mean(0)
    outline = cv2.convexHull(((points - centre) * (1 + grow) + centre).astype(np.float32))
    picture = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(picture, np.round(outline * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return picture


def scaled_jaw(points: Points, jaw: slice, factor: float) -> Points:
    """Move the outline inwards, away from the border between face and background."""
    out = points.copy()
    rest = np.delete(points, np.arange(len(points))[jaw], axis=0)
    centre = rest.mean(0)
    out[jaw] = centre + factor * (points[jaw] - centre)
    return out
