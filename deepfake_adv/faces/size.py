"""The size at which a locator receives a picture; boxes are in the original picture's pixels."""

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_PIXELS: Final = 4_000_000
"""Default bound: above 2560 x 1440, so that no frame of FaceForensics++, DFD, Celeb-DF or DFDC is shrunk.

With one doubling dlib takes 0.7 CPU seconds for a frame of 1920 x 1080, 12.2 s and 1 GB for a full 8K frame, 1.5 s
and 0.1 GB for it at this bound. The smallest face that is found then grows from 40 to 115 pixels of the 8K frame.
"""


def check_size(scale: float, max_pixels: int) -> None:
    """Check a locator's scale and largest area.

    Raises:
        ValueError: If `scale` is not above 0 and at most 1, or `max_pixels` below 1.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"scale must be above 0 and at most 1; got {scale}. Use 1 for the full size.")
    if max_pixels < 1:
        raise ValueError(f"max_pixels must be at least 1; got {max_pixels}. Use {MAX_PIXELS} or more.")


def to_size(picture: NDArray[np.uint8], scale: float, max_pixels: int) -> tuple[NDArray[np.uint8], float]:
    """The picture that a locator receives, and the factor by which its boxes are multiplied.

    Args:
        picture: ``(H, W)`` or ``(H, W, C)`` uint8.
        scale: Factor for a picture of at most `max_pixels`.
        max_pixels: A larger picture is first shrunk to this area; see `MAX_PIXELS`.
    """
    area = picture.shape[0] * picture.shape[1]
    if area > max_pixels:
        scale *= math.sqrt(max_pixels / area)
    if scale == 1:
        return picture, 1.0
    scaled: Any = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.uint8), 1 / scale
