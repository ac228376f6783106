"""Where eyes, mouth, skin and background are in a crop: by its 68 landmarks, or where they are in most crops."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

REGIONS: Final = ("eyes", "mouth", "skin", "background")

_MARGIN: Final = 0.04  # of the image's side, around eyes and lips: lids, lashes and the lips' outline
_EYES: Final = (slice(36, 42), slice(42, 48))
_MOUTH: Final = slice(48, 60)
_FACE: Final = slice(0, 27)  # the jaw and the brows
# Centre and radii in shares of the side, where a crop has no landmarks: the mean over crops of 1.3 times dlib's box.
_STANDARD: Final = {
    "eyes": ((0.345, 0.345, 0.062, 0.02), (0.665, 0.345, 0.062, 0.02)),
    "mouth": ((0.51, 0.72, 0.125, 0.04),),
    "skin": ((0.52, 0.545, 0.345, 0.345),),
}


def face_regions(landmarks: NDArray[Any] | None, size: int) -> NDArray[np.bool_]:
    """The pixels of each of `REGIONS`, none of which overlap.

    Args:
        landmarks: ``(68, 2)`` x and y, pixels; None, or NaN in any of them, for regions at their usual places.
        size: Side of the image, pixels.

    Returns:
        ``(4, size, size)``, in the order of `REGIONS`.
    """
    known = landmarks is not None and bool(np.isfinite(landmarks).all())
    eyes, mouth, face = _by_landmarks(np.asarray(landmarks), size) if known else _usual(size)
    around = np.ones((2 * round(_MARGIN * size) + 1,) * 2, np.uint8)
    eyes, mouth = (cv2.dilate(mask, around).astype(bool) for mask in (eyes, mouth))
    mouth = mouth & ~eyes
    skin = face.astype(bool) & ~eyes & ~mouth
    return np.stack([eyes, mouth, skin, ~(eyes | mouth | skin)])


def _by_landmarks(points: NDArray[Any], size: int) -> list[NDArray[np.uint8]]:
    parts = (tuple(points[eye] for eye in _EYES), (points[_MOUTH],), (points[_FACE],))
    masks = [np.zeros((size, size), np.uint8) for _ in parts]
    for mask, outlines in zip(masks, parts, strict=True):
        for outline in outlines:
            cv2.fillConvexPoly(mask, cv2.convexHull(outline.round().astype(np.int32)), 1)
    return masks


def _usual(size: int) -> list[NDArray[np.uint8]]:
    masks = [np.zeros((size, size), np.uint8) for _ in _STANDARD]
    for mask, ellipses in zip(masks, _STANDARD.values(), strict=True):
        for ellipse in ellipses:
            x, y, across, down = (round(value * size) for value in ellipse)
            cv2.ellipse(mask, (x, y), (across, down), 0, 0, 360, 1, thickness=-1)
    return masks
