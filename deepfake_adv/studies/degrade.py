"""Degradations of images and videos by name and level, for robustness curves beyond the paper."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.degradations import gaussian_blur, gaussian_noise, jpeg
from deepfake_adv.ops.draws import Rng
from deepfake_adv.studies.pictures import Pixels
from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.read import read_frames

CRF: Final = "crf"


def _jpeg(images: Tensor, level: float, rng: Rng) -> Tensor:
    return jpeg(images, torch.full((len(images),), float(level)))


def _blur(images: Tensor, level: float, rng: Rng) -> Tensor:
    if not level:
        return images
    return gaussian_blur(images, torch.full((len(images),), float(level) ** 2), kernel_size=blur_window(level))


def _noise(images: Tensor, level: float, rng: Rng) -> Tensor:
    return gaussian_noise(images, torch.full((len(images),), float(level) ** 2), rng=rng)


def _resize(images: Tensor, level: float, rng: Rng) -> Tensor:
    size = images.shape[-2:]
    small = [max(round(side * level), 1) for side in size]
    shrunk = functional.interpolate(images, small, mode="bilinear", antialias=True)
    return functional.interpolate(shrunk, size, mode="bilinear").clamp(0, 1)


def blur_window(level: float) -> int:
    """Width of the blur's window for a sigma in pixels: three sigma to each side."""
    return 2 * max(int(np.ceil(3 * level)), 1) + 1


FILTERS: Final[Mapping[str, Callable[[Tensor, float, Rng], Tensor]]] = MappingProxyType(
    {"jpeg": _jpeg, "blur": _blur, "noise": _noise, "resize": _resize}
)
"""Images ``(B, 3, H, W)`` in [0, 1], a level and random numbers to degraded images, each by itself.

Levels: JPEG quality; blur sigma in pixels; noise deviation in 8-bit levels; resize factor down (and back up).
"""

DEGRADATIONS: Final = (*FILTERS, CRF)
"""All degradations, in the order of the tables; `CRF` encodes the frames of a video together, by `encode_video`."""


def encode_video(frames: Pixels, crf: int) -> Pixels:
    """A video's frames ``(n, H, W, 3)`` after H.264; an odd last row or column is repeated from the one before."""
    height, width = frames.shape[1:3]
    even = np.ascontiguousarray(frames[:, : height - height % 2, : width - width % 2])
    out = np.empty_like(even)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_h264(path, map(rgb_to_i420, even), crf=crf)
        for room, planes in zip(out, read_frames(path), strict=True):
            i420_to_rgb(planes, room)
    return np.pad(out, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
