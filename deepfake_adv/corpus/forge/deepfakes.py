"""DF: the donor's face from an autoencoder of low resolution, driven by the target's expression."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from deepfake_adv.corpus.forge.autoencoder import replicate
from deepfake_adv.corpus.forge.blending import Forged, feather, match_colour, paste
from deepfake_adv.corpus.forge.decoder import add_fingerprint, rng_of
from deepfake_adv.corpus.forge.geometry import Frame, Points


def deepfakes(
    target: Sequence[Frame],
    target_points: Points,
    donor: Sequence[Frame],
    donor_points: Points,
    *,
    resolution: int = 72,
    components: int = 12,
    identity: float = 0.5,
    fingerprint: float = 0.0,
) -> Forged:
    """Replace the target's face by a low-resolution reconstruction of the donor's.

    Args:
        target: RGB frames that receive the face.
        target_points: ``(N, 68, 2)`` landmarks of the target, pixels.
        donor: RGB frames that the autoencoder is fitted to.
        donor_points: Landmarks of the donor.
        resolution: Side of the texture the code is decoded to, pixels.
        components: Size of the code.
        identity: Share of the donor's facial proportions in the result, 0 to 1.
        fingerprint: Standard deviation of the decoder's noise, 8-bit levels.
    """
    sizes = {"resolution": resolution, "components": components}
    faces = replicate(target_points, donor, donor_points, target[0].shape[:2], identity=identity, **sizes)
    frames, masks = [], []
    for index, (frame, (warp, face)) in enumerate(zip(target, faces, strict=True)):
        mask = feather(warp.inside, 0.16 * warp.inside.shape[1])
        mask = cv2.min(mask, cv2.GaussianBlur(mask, (0, 0), 0.02 * warp.inside.shape[1]))
        face = match_colour(face, frame[warp.rows, warp.columns], mask, contrast=True)
        face = add_fingerprint(face, rng_of(target_points[0], index), fingerprint)
        forged, full = paste(frame, face, mask, warp.rows, warp.columns)
        frames.append(forged)
        masks.append(full)
    return Forged(frames, masks)
