"""Traces that the decoder of a generative network leaves in a picture: lost detail, and noise of its own.

Real ones leave a stationary pattern in the noise residual, a "fingerprint", of a few levels, which H.264 at CRF 23
mostly removes. A checkerboard, as badly designed transposed convolutions leave, would survive it: see
docs/calibration.md.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deepfake_adv.corpus.forge.geometry import Layer, Points

FINGERPRINT: Final = 3.0
"""Standard deviation of the noise, 8-bit levels; calibrated: 3.5 survives CRF 23, 2.2 is hardly learnt."""


def lose_detail(picture: Layer, *, middle: float, detail: float) -> Layer:
    """Keep given shares of the detail in the decoder's last two resolutions.

    Args:
        picture: ``(H, W, 3)`` float32.
        middle: Share kept of the detail that half the resolution holds and a quarter does not, 0 to 1.
        detail: Share kept of the detail that half the resolution does not hold, 0 to 1.
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
    """The rng for one frame of a clip: different for each frame, fixed by the clip's content.

    It is seeded by coordinates rounded to pixels, so that processors whose rendering differs in a last digit agree.

    Args:
        points: Landmarks of the clip's first frame, ``(68, 2)`` pixels.
        moment: Index of the frame.
    """
    return np.random.default_rng([moment, *np.abs(np.rint(points)).astype(np.int64).ravel().tolist()])


def add_fingerprint(picture: Layer, rng: np.random.Generator, strength: float) -> Layer:
    """White noise, equal on R, G and B.

    Args:
        picture: ``(H, W, 3)`` float32.
        rng: Of this frame, see `rng_of`.
        strength: Standard deviation, 8-bit levels.
    """
    result: Layer = picture + np.float32(strength) * rng.standard_normal((*picture.shape[:2], 1), dtype=np.float32)
    return result
