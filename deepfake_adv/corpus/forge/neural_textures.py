"""NT: the mouth region alone, re-rendered under the donor's expression by an upsampling decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from deepfake_adv.corpus.forge.blending import Forged, paste
from deepfake_adv.corpus.forge.expression import best_frames, reenact
from deepfake_adv.corpus.forge.geometry import Frame, Layer, Points, Warp, hull, mesh_warp, triangulate, upright

_VERTICES = np.r_[3:14, 31:36, 48:68]
# Unevenness of the three upsampling stages, coarsest first, in units of `grid`: the next stages smooth
# the coarse grids, which therefore start stronger.
_STAGES: Final = (8.0, 3.0, 1.0)
_KERNEL = np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25]).astype(np.float32)


def neural_textures(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    grid: float = 0.11,
    detail: float = 0.4,
    gain: float = 0.6,
) -> Forged:
    """Re-render the mouth; stops at the shorter clip, as in FaceForensics++.

    Args:
        target: RGB frames whose mouth is reenacted.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: Only its length counts, as all forgeries share one signature.
        donor_points: Landmarks of the driving clip.
        grid: Strength of the decoder's upsampling pattern.
        detail: Share of the fine detail that the decoder keeps, 0 to 1.
        gain: Share of the donor's expression that is taken over.
    """
    count = min(len(target), len(donor))
    points = target_points[:count]
    goal = reenact(points, donor_points, gain=gain, whole_face=False)
    rest = upright(points).mean(0) * 100
    rest[[61, 62, 63], 1] -= 3
    rest[[65, 66, 67], 1] += 3
    triangles = triangulate(rest[_VERTICES])
    frames, masks = [], []
    for index, chosen in enumerate(best_frames(points, goal)):
        frame = target[index]
        warp = mesh_warp(goal[index][_VERTICES], points[chosen][_VERTICES], triangles, frame.shape[:2])
        mouth = decode(warp.fetch(target[chosen]).astype(np.float32), grid=grid, detail=detail)
        mask = _mask(goal[index], warp)
        firm = (mask > 200).astype(np.uint8)
        if firm.any():
            here, made = (cv2.mean(p, firm)[:3] for p in (frame[warp.rows, warp.columns], mouth))
            mouth += np.float32(0.8) * (np.array(here, np.float32) - np.array(made, np.float32))
        forged, full = paste(frame, mouth, mask, warp.rows, warp.columns)
        frames.append(forged)
        masks.append(full)
    return Forged(frames, masks)


def _mask(points: Points, warp: Warp) -> Frame:
    """Soft mask over mouth and upper chin, inside the mesh."""
    below = 0.5 * points[6:11] + 0.5 * points[[59, 58, 57, 56, 55]]
    above = 0.6 * points[[31, 35]] + 0.4 * points[[50, 52]]
    outline = np.concatenate([points[48:60], above, below]) - [warp.columns.start, warp.rows.start]
    mask = hull(outline, warp.inside.shape, grow=0.15)
    mask[~warp.inside] = 0
    width = warp.inside.shape[1]
    eroded = cv2.erode(mask, np.ones((5, 5), np.uint8))
    soft = cv2.GaussianBlur(eroded, (0, 0), max(1.5, 0.045 * width))
    soft[~warp.inside] = 0
    return soft


def decode(picture: Layer, *, grid: float, detail: float) -> Layer:
    """What a convolutional decoder leaves: part of the detail gone, its upsampling stages' grids added.

    Args:
        picture: ``(H, W, 3)``.
        grid: Relative strength of the grids, of 8, 4 and 2 pixels' period.
        detail: Share of what is finer than two pixels that is kept.
    """
    height, width = picture.shape[:2]
    levels = [cv2.copyMakeBorder(picture, 0, -height % 8, 0, -width % 8, cv2.BORDER_REFLECT)]
    for _ in _STAGES:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    smooth = _double(levels[1], 0.0)[:height, :width]
    pattern = np.zeros_like(levels[-1])
    for level, weight in zip(reversed(levels[1:]), _STAGES, strict=True):
        # Earlier stages' grids pass through this one; its own comes from the picture at its resolution.
        pattern = _double(pattern, 0.0) + _double(level, weight * grid) - _double(level, 0.0)
    return smooth + detail * (picture - smooth) + pattern[:height, :width]


def _double(picture: Layer, unevenness: float) -> Layer:
    """Stride-2 transposed convolution; an uneven kernel is no partition of unity and leaves a grid."""
    sparse = np.zeros((2 * picture.shape[0], 2 * picture.shape[1], 3), np.float32)
    sparse[::2, ::2] = picture
    kernel = _KERNEL.copy()
    kernel[[1, 2], [1, 2]] *= 1 + unevenness
    return cv2.filter2D(sparse, -1, kernel * (4 / kernel.sum()), borderType=cv2.BORDER_REFLECT)
