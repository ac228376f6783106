"""The one conversion between RGB and planar YUV 4:2:0 (I420) that every stage uses.

BT.601, limited range, whatever a file's tags state: two different conversions in one pipeline would differ
by a few levels between real and forged frames, and a detector could learn the label from that.
BT.601 is what standard-definition H.264 without tags means, and what the
field's OpenCV-based crops were cut with. The conversion back repeats each chroma sample over its 2 x 2 pixels
(nearest), so a crop cut at even coordinates converts to exactly the pixels of the whole frame.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

# BT.601 limited range, rows Cb and Cr over R, G, B, offset last.
_CHROMA = np.array([[-0.148223, -0.290993, 0.439216, 128.0], [0.439216, -0.367788, -0.071427, 128.0]], dtype=np.float32)


def rgb_to_i420(rgb: Frame) -> Frame:
    """Convert RGB to I420; chroma is taken from the mean of each 2 x 2 block.

    Args:
        rgb: ``(H, W, 3)`` uint8, H and W even.

    Returns:
        ``(H * 3 // 2, W)`` uint8: the luma plane over the two chroma planes, as PyAV and OpenCV lay it out.

    Raises:
        ValueError: If the array is not uint8 RGB of even size.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be a uint8 array (H, W, 3); got {rgb.dtype} {rgb.shape}. Convert the image first.")
    height, width = rgb.shape[:2]
    if height % 2 or width % 2 or not height or not width:
        raise ValueError(
            f"rgb must have an even height and width; got {height} x {width} (H x W). "
            "Trim the last row or column first."
        )
    out = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
    half = cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.transform(half, _CHROMA)
    out[height:].reshape(2, -1)[:] = chroma.reshape(-1, 2).T
    return out


def i420_to_rgb(i420: Frame, out: Frame | None = None) -> Frame:
    """Convert I420 to RGB; each chroma sample applies to its 2 x 2 pixels.

    Args:
        i420: ``(H * 3 // 2, W)`` uint8, H and W even.
        out: ``(H, W, 3)`` uint8 to write into; a new array without it.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        ValueError: If the array is not the I420 form of an even-sized frame.
    """
    if i420.ndim != 2 or i420.dtype != np.uint8:
        raise ValueError(
            f"i420 must be a uint8 array (H * 3 / 2, W); got {i420.dtype} {i420.shape}. "
            "Set the decoder's format to yuv420p."
        )
    rows, width = i420.shape
    if rows % 3 or width % 2 or not rows or not width:
        raise ValueError(
            f"i420 must have an even frame height and width, so rows divisible by 3; got {rows} x {width}. "
            "Trim the frame's last row or column first."
        )
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(i420), cv2.COLOR_YUV2RGB_I420, dst=out), np.uint8)
