"""The drawing surface of a head: its coordinates, and the few shapes everything is painted with.

Head units: one unit is half the width of the face, x to the right, y down, the eye line at y = 0.
Colours are linear light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]  # float32 unless stated otherwise

LEFT, RIGHT, TOP, BOTTOM = -1.8, 1.8, -1.8, 2.0


@dataclass(frozen=True)
class Canvas:
    """A raster over the head's own plane.

    Attributes:
        unit: Pixels per head unit.
    """

    unit: float

    @cached_property
    def width(self) -> int:
        return round((RIGHT - LEFT) * self.unit)

    @cached_property
    def height(self) -> int:
        return round((BOTTOM - TOP) * self.unit)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @cached_property
    def x(self) -> Array:
        """``(1, W)`` x of the pixel centres, head units."""
        return ((np.arange(self.width) + 0.5) / self.unit + LEFT).astype(np.float32)[None]

    @cached_property
    def y(self) -> Array:
        """``(H, 1)`` y of the pixel centres, head units."""
        return ((np.arange(self.height) + 0.5) / self.unit + TOP).astype(np.float32)[:, None]

    def pixels(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Head units to pixel coordinates as ``cv2.remap`` counts them (centre of the first pixel = 0)."""
        return (
            (np.asarray(x, np.float32) - np.float32(LEFT)) * np.float32(self.unit) - np.float32(0.5),
            (np.asarray(y, np.float32) - np.float32(TOP)) * np.float32(self.unit) - np.float32(0.5),
        )

    def window(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        """Rows and columns that cover a box given in head units."""
        (px0, px1), (py0, py1) = self.pixels([x0, x1], [y0, y1])
        rows = slice(max(int(py0), 0), min(int(py1) + 2, self.height))
        return rows, slice(max(int(px0), 0), min(int(px1) + 2, self.width))


def ramp(start: Array | float, stop: Array | float, value: Array) -> Array:
    """Smooth step from 0 at ``start`` to 1 at ``stop``; falls instead where ``start`` is above ``stop``."""
    t = np.clip((value - start) / (np.asarray(stop, np.float32) - start), 0, 1)
    result: Array = (t * t * (3 - 2 * t)).astype(np.float32)
    return result


def bump(dx: Array, dy: Array, width: float, height: float) -> Array:
    """Gaussian hill of height 1 with the given standard deviations."""
    return np.exp(-0.5 * (dx / np.float32(width)) ** 2) * np.exp(-0.5 * (dy / np.float32(height)) ** 2)


def clouds(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Array:
    """Smooth noise of zero mean and unit deviation whose features measure about ``cell`` pixels."""
    height, width = shape
    if cell <= 1:
        return rng.standard_normal(shape, dtype=np.float32)
    coarse = rng.standard_normal((int(height / cell) + 4, int(width / cell) + 4), dtype=np.float32)
    fine = cv2.resize(coarse, (int(coarse.shape[1] * cell), int(coarse.shape[0] * cell)), interpolation=cv2.INTER_CUBIC)
    offset = int(cell)
    out = fine[offset : offset + height, offset : offset + width]
    result: Array = ((out - out.mean()) / (out.std() + 1e-6)).astype(np.float32)
    return result


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur; ``sigma`` in pixels, nothing below a tenth of one."""
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.1 else image


def linear(srgb: ArrayLike) -> Array:
    """Display values in [0, 1] to linear light."""
    return np.asarray(srgb, np.float32) ** np.float32(2.2)


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear values of ``image`` at pixel coordinates of any shape, edges held."""
    shape = np.shape(x)
    flat_x = np.ascontiguousarray(x, np.float32).reshape(1, -1) if len(shape) != 2 else x.astype(np.float32)
    flat_y = np.ascontiguousarray(y, np.float32).reshape(1, -1) if len(shape) != 2 else y.astype(np.float32)
    out = cv2.remap(image, flat_x, flat_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out.reshape(*shape, *image.shape[2:])
