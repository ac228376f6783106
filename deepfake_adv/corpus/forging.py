"""A forgery of one clip as I420 samples: outside the mask they are the original's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepfake_adv.corpus.footage import Footage, Frame
from deepfake_adv.corpus.forge.blending import Forged, keep_outside
from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420


def forge_clip(forge: Callable[..., Forged], target: Footage, donor: Footage) -> tuple[list[Frame], list[Frame]]:
    """Forge `target` with the face or expression of `donor`.

    Args:
        forge: Takes target frames and landmarks, donor frames and landmarks.
        target: The clip that is forged.
        donor: The clip that gives the face or expression.

    Returns:
        I420 frames ``(H * 3 // 2, W)`` and masks ``(H, W)``, 255 where the original was replaced.
    """
    pictures = [[i420_to_rgb(frame) for frame in clip.frames] for clip in (target, donor)]
    points = [clip.points.astype(np.float64) for clip in (target, donor)]
    made = forge(pictures[0], points[0], pictures[1], points[1])
    frames = [
        keep_outside(rgb_to_i420(picture), original, mask)
        for picture, original, mask in zip(made.frames, target.frames, made.masks, strict=False)
    ]
    return frames, made.masks
