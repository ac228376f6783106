"""Celeb-DF-like: a better synthesis, following the description by Celeb-DF's authors.

A larger decoder, colour and light matched, a soft and wide boundary, shapes and textures smooth over time.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deepfake_adv.corpus.forge.autoencoder import replicate
from deepfake_adv.corpus.forge.blending import Forged, feather, match_colour, paste
from deepfake_adv.corpus.forge.geometry import Frame, Points


def celebrity_swap(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    resolution: int = 128,
    components: int = 24,
    identity: float = 0.8,
    smoothing: float = 0.7,
    light: float = 0.7,
) -> Forged:
    """Replace the target's face by the donor's.

    Args:
        target: RGB frames that receive the face.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: RGB frames that the autoencoder is fitted to.
        donor_points: Landmarks of the donor.
        resolution: Side of the texture the code is decoded to, pixels.
        components: Size of the code.
        identity: Share of the donor's facial proportions in the result, 0 to 1.
        smoothing: Standard deviation of the filter over time, frames.
        light: Share of the target's shading that is applied to the face, 0 to 1.
    """
    sizes = {"resolution": resolution, "components": components}
    shape = target[0].shape[:2]
    faces = replicate(target_points, donor, donor_points, shape, identity=identity, smoothing=smoothing, **sizes)
    frames, masks = [], []
    for frame, (warp, face) in zip(target, faces, strict=True):
        width = warp.inside.shape[1]
        mask = feather(warp.inside, 0.22 * width)
        mask = cv2.min(mask, cv2.GaussianBlur(mask, (0, 0), 0.05 * width))
        scene = frame[warp.rows, warp.columns]
        face = match_colour(face, scene, mask, contrast=True)
        shading = [cv2.GaussianBlur(part, (0, 0), 0.15 * width) for part in (scene.astype(np.float32), face)]
        face = face + np.float32(light) * (shading[0] - shading[1])
        forged, full = paste(frame, face, mask, warp.rows, warp.columns)
        frames.append(forged)
        masks.append(full)
    return Forged(frames, masks)
