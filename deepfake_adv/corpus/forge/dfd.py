"""DFD-like: an autoencoder of medium resolution, whose output is sharpened and blended per frequency band.

Unlike DF's, its seam is narrow in fine detail and wide in colour, its face is sharp and has the donor's shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deepfake_adv.corpus.forge.autoencoder import replicate
from deepfake_adv.corpus.forge.blending import Forged, match_colour, paste
from deepfake_adv.corpus.forge.decoder import add_fingerprint, rng_of
from deepfake_adv.corpus.forge.geometry import Frame, Layer, Points

_BANDS = (0.012, 0.03, 0.075)  # widths of the seam, finest band first, shares of the face's width


def actor_swap(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    resolution: int = 96,
    components: int = 16,
    identity: float = 0.7,
    sharpening: float = 0.6,
    fingerprint: float = 2.0,
) -> Forged:
    """Replace the target's face by the donor's; masks are hard, as the real ones are.

    Args:
        target: RGB frames that receive the face.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: RGB frames that the autoencoder is fitted to.
        donor_points: Landmarks of the donor.
        resolution: Side of the texture the code is decoded to, pixels.
        components: Size of the code.
        identity: Share of the donor's facial proportions in the result, 0 to 1.
        sharpening: Strength of the unsharp mask that hides the low resolution.
        fingerprint: Standard deviation of the decoder's noise, 8-bit levels.
    """
    sizes = {"resolution": resolution, "components": components}
    faces = replicate(target_points, donor, donor_points, target[0].shape[:2], identity=identity, **sizes)
    frames, masks = [], []
    for index, (frame, (warp, face)) in enumerate(zip(target, faces, strict=True)):
        width = warp.inside.shape[1]
        solid = np.where(warp.inside, 255, 0).astype(np.uint8)
        scene = frame[warp.rows, warp.columns]
        face = match_colour(face, scene, solid, contrast=True)
        face += np.float32(sharpening) * (face - cv2.GaussianBlur(face, (0, 0), 1.2))
        face = add_fingerprint(face, rng_of(target_points[0], index), fingerprint)
        mixed = _blend_bands(scene.astype(np.float32), face, solid, width)
        forged, full = paste(frame, mixed, solid, warp.rows, warp.columns)
        frames.append(forged)
        masks.append(full)
    return Forged(frames, masks)


def _blend_bands(scene: Layer, face: Layer, solid: Frame, width: int) -> Layer:
    """The face in the scene: fine detail is blended over a narrow seam, coarse detail over a wide one."""
    mixed = np.zeros_like(scene)
    rest = [scene, face]
    for band, share in enumerate(_BANDS):
        seam = share * width
        inner = cv2.erode(solid, np.ones((2 * round(1.5 * seam) + 1,) * 2, np.uint8), borderValue=0)
        weight = cv2.GaussianBlur(inner, (0, 0), max(seam, 0.3)).astype(np.float32)[..., None] / np.float32(255)
        if band < len(_BANDS) - 1:
            coarse = [cv2.GaussianBlur(part, (0, 0), 1.5 * 2**band) for part in rest]
        else:
            coarse = [np.zeros_like(scene)] * 2
        here, made = (part - below for part, below in zip(rest, coarse, strict=True))
        mixed += here + (made - here) * weight
        rest = coarse
    return mixed
