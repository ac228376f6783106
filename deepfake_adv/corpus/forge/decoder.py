"""What the decoder of a generative network leaves in a picture: detail lost, and a noise of its own.

Real ones leave a stationary pattern in the noise residual, a "fingerprint", of a few levels, which H.264 at CRF 23
mostly removes. A checkerboard, as transposed convolutions leave it when they are badly made, would survive it: see
docs/calibration.md.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deepfake_adv.corpus.forge.geometry import Layer, Points

FINGERPRINT: Final = 3.0
"""Deviation of the noise, 8-bit levels; calibrated: 3.5 and more survives CRF 23, 2.2 and less is hardly learnt."""


def lose_detail(picture: Layer, *, middle: float, detail: float) -> Layer:
    """Keep shares of what the decoder's last two resolutions hold.

    Args:
        picture: ``(H, W, 3)`` float32.
        middle: Share kept of what a quarter of the resolution cannot show and a half can, 0 to 1.
        detail: Share kept of what a half of the resolution cannot show, 0 to 1.
    """
    height, width = picture.shape[:2]
    whole = cv2.copyMakeBorder(picture, 0, -height % 4, 0, -width % 4, cv2.BORDER_REFLECT)
    half = cv2.resize(whole, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    quarter = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    kept = np.float32(middle) * half + np.float32(1 - middle) * _double(quarter)
    decoded, smooth = (_double(level)[:height, :width] for level in (kept, half))
    result: Layer = decoded + np.float32(detail) * (picture - smooth)
    return result


def _double(picture: Layer) -> Layer:
    result: Layer = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    return result


def rng_of(points: Points, moment: int) -> np.random.Generator:
    """Randomness for one frame of a clip, new in each frame and fixed by the clip.

    Whole pixels decide, so that processors whose rendering differs in a last digit draw the same.

    Args:
        points: Landmarks of the clip's first frame, ``(68, 2)`` pixels.
        moment: The frame.
    """
    return np.random.default_rng([moment, *np.abs(np.rint(points)).astype(np.int64).ravel().tolist()])


def add_fingerprint(picture: Layer, rng: np.random.Generator, strength: float) -> Layer:
    """White noise, equal on R, G and B.

    Args:
        picture: ``(H, W, 3)`` float32.
        rng: Of this frame, see `rng_of`.
        strength: Deviation, 8-bit levels.
    """
    result: Layer = picture + np.float32(strength) * rng.standard_normal((*picture.shape[:2], 1), dtype=np.float32)
    return result
