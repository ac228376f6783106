"""FS: the donor's face laid over the target's mesh at full resolution, colour shift, feathered edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake_adv.corpus.forge.blending import Forged, feather, match_colour, paste
from deepfake_adv.corpus.forge.expression import best_frames, limit_opening, lip_gap
from deepfake_adv.corpus.forge.geometry import Frame, Points, mesh_warp, scaled_jaw, triangulate, with_forehead

_VERTICES = np.r_[1:16, 17:75]
_JAW = slice(0, 15)
# The donor's mouth may be stretched open by this factor, and by so many eye distances where it is shut.
_STRETCH, _SLACK = 1.3, 0.02


def face_swap(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    feather_share: float = 0.085,
) -> Forged:
    """Swap faces as FaceSwap does; stops at the shorter clip, as in FaceForensics++.

    Args:
        target: RGB frames that receive the face.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: RGB frames of the face.
        donor_points: Landmarks of the donor.
        feather_share: Width of the soft edge, share of the face's width.
    """
    count = min(len(target), len(donor))
    triangles = triangulate(_mesh(target_points[0]))
    gaps = lip_gap(donor_points)
    frames, masks = [], []
    for index, chosen in enumerate(best_frames(donor_points, target_points[:count], eyes=True)):
        frame = target[index]
        mesh = _mesh(limit_opening(target_points[index], _STRETCH * gaps[chosen] + _SLACK))
        warp = mesh_warp(mesh, _mesh(donor_points[chosen]), triangles, frame.shape[:2])
        face = warp.fetch(donor[chosen]).astype(np.float32)
        mask = feather(warp.inside, feather_share * warp.inside.shape[1])
        solid = np.where(warp.inside, 255, 0).astype(np.uint8)
        face = match_colour(face, frame[warp.rows, warp.columns], solid)
        forged, full = paste(frame, face, mask, warp.rows, warp.columns)
        frames.append(forged)
        masks.append(full)
    return Forged(frames, masks)


def _mesh(points: Points) -> Points:
    return scaled_jaw(with_forehead(points, 0.14)[_VERTICES], _JAW, 0.93)
