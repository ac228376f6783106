"""From linear light to the 8-bit frames of a camera: exposure, tone curve, lens, sharpening, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.canvas import Array

_CEILING = 1.6  # linear value at which the sensor clips
_STEPS = 8192
_METERED = 0.28  # linear green to which a darker face is brightened
_MOST_GAIN = 2.5
# Blur of lens, debayering and the camera's own scaling, pixels: the least, and what a worse one has more. Real clips
# hold 1.3 to 2.8 levels of texture and noise at 0.28 to 0.5 cycles a pixel; sharper ones lose nothing to H.264 at CRF
# 23 that a detector reads (docs/calibration.md).
_SOFTNESS, _SOFTER = 1.0, 0.45
# Local contrast that a camera's processing adds to what its lens blurs: share, and radius in pixels. It is coarser than
# any trace of a forgery, and without it dlib misses twice as many faces at c40.
_LOCAL, _LOCAL_RADIUS = 0.4, 3.0


class Camera:
    """One camera and its settings, drawn from ``rng``.

    Args:
        rng: Source of the settings, and of the noise in every frame.
        frames: Frames that will be taken.
        size: Width and height of the frame, pixels.
    """

    def __init__(self, rng: np.random.Generator, frames: int, size: int) -> None:
        u = rng.uniform
        self._rng = rng
        self._size = size
        flicker = 1 + 0.012 * np.sin(np.arange(frames) * u(0.1, 0.4) + u(0, 6)) + rng.normal(0, 0.004, frames)
        self._exposure = u(1.10, 1.55) * flicker
        self._balance = np.array([1 + u(-0.06, 0.10), 1, 1 + u(-0.12, 0.07)], np.float32)
        self._softness = _SOFTNESS + _SOFTER * u(0, 1) ** 1.3
        self._sharpening = u(0.0, 0.6)
        self._noise = u(1.2, 3.0)
        ramp = np.linspace(0, _CEILING, _STEPS, dtype=np.float32)
        self._curve = (255 * np.clip(ramp / (1 + 0.18 * ramp), 0, 1) ** (1 / 2.2)).astype(np.float32)
        self._grain = rng.standard_normal((4, size + 128, size + 128), dtype=np.float32)

    def meter(self, face: Array) -> None:
        """Open up for a dark face, as a metering camera does; ``face`` holds its linear light ``(h, w, 3)``."""
        level = float(np.median(face[..., 1])) * float(self._exposure[0])
        self._exposure = self._exposure * np.clip(_METERED / max(level, 1e-6), 1, _MOST_GAIN)

    def expose(self, light: Array, index: int) -> NDArray[np.uint8]:
        """Take frame ``index`` of linear light ``(S, S, 3)``: an RGB picture ``(S, S, 3)`` uint8."""
        gain = self._balance * np.float32(self._exposure[index] * (_STEPS - 1) / _CEILING)
        level = np.clip(light * gain, 0, _STEPS - 1).astype(np.int16)
        picture = self._curve[level]
        picture = cv2.GaussianBlur(picture, (7, 7), self._softness)
        around = cv2.GaussianBlur(picture, (0, 0), _LOCAL_RADIUS)
        picture = cv2.addWeighted(picture, 1 + _LOCAL, around, -_LOCAL, 0)
        if self._sharpening > 0.05:
            smooth = cv2.GaussianBlur(picture, (5, 5), 1.0)
            picture = cv2.addWeighted(picture, 1 + self._sharpening, smooth, -self._sharpening, 0)
        # Grain is cut at random from a bank: new in every frame, cheap, stronger in the shadows.
        planes = []
        for plane, (row, column) in zip(self._rng.permutation(4), self._rng.integers(0, 128, (4, 2)), strict=True):
            planes.append(self._grain[plane, row : row + self._size, column : column + self._size])
        amount = (1.15 - picture[..., 1] * np.float32(0.55 / 255)) * np.float32(self._noise)
        grain = cv2.merge([planes[0] + np.float32(0.45) * planes[k] for k in (1, 2, 3)])
        picture += grain * amount[..., None]
        result: NDArray[np.uint8] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        return result
