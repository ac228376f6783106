"""NT: the mouth region alone, re-rendered under the donor's expression by a decoder that leaves its fingerprint."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deepfake_adv.corpus.forge.blending import Forged, paste
from deepfake_adv.corpus.forge.decoder import FINGERPRINT, add_fingerprint, lose_detail, rng_of
from deepfake_adv.corpus.forge.expression import best_frames, reenact
from deepfake_adv.corpus.forge.geometry import Frame, Points, Warp, hull, mesh_warp, triangulate, upright

_VERTICES = np.r_[3:14, 31:36, 48:68]


def neural_textures(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    fingerprint: float = FINGERPRINT,
    detail: float = 0.3,
    middle: float = 0.75,
    gain: float = 0.6,
) -> Forged:
    """Re-render the mouth; stops at the shorter clip, as in FaceForensics++.

    Args:
        target: RGB frames whose mouth is reenacted.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: Only its length is used; all forgeries share one signature.
        donor_points: Landmarks of the driving clip.
        fingerprint: Standard deviation of the decoder's noise, 8-bit levels.
        detail: Share of the finest detail that the decoder keeps, 0 to 1; see `lose_detail`.
        middle: Share of the next coarser detail that it keeps, 0 to 1.
        gain: Share of the donor's expression that is transferred.
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
        mouth = lose_detail(warp.fetch(target[chosen]).astype(np.float32), middle=middle, detail=detail)
        mask = _mask(goal[index], warp)
        firm = (mask > 200).astype(np.uint8)
        if firm.any():
            here, made = (cv2.mean(p, firm)[:3] for p in (frame[warp.rows, warp.columns], mouth))
            mouth += np.float32(0.8) * (np.array(here, np.float32) - np.array(made, np.float32))
        mouth = add_fingerprint(mouth, rng_of(points[0], index), fingerprint)
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
