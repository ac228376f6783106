"""Degradations that a forged video meets on its way, by name and level; robustness curves beyond the paper."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.gaussian import gaussian_blur
from deepfake_adv.ops.jpeg import jpeg
from deepfake_adv.ops.noise import gaussian_noise
from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.read import read_frames

Videos = NDArray[np.int64]


def _jpeg(images: Tensor, level: float, videos: Videos) -> Tensor:
    return jpeg(images, torch.full((len(images),), float(level)))


def _blur(images: Tensor, level: float, videos: Videos) -> Tensor:
    if not level:
        return images
    width = 2 * max(int(np.ceil(3 * level)), 1) + 1
    return gaussian_blur(images, torch.full((len(images),), float(level) ** 2), kernel_size=width)


def _noise(images: Tensor, level: float, videos: Videos) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return gaussian_noise(images, torch.full((len(images),), float(level) ** 2), generator=generator)


def _resize(images: Tensor, level: float, videos: Videos) -> Tensor:
    size = images.shape[-2:]
    small = [max(round(side * level), 1) for side in size]
    shrunk = functional.interpolate(images, small, mode="bilinear", antialias=True)
    return functional.interpolate(shrunk, size, mode="bilinear").clamp(0, 1)


def _crf(images: Tensor, level: float, videos: Videos) -> Tensor:
    """Encode each video's crops as one H.264 clip; sides are cut to even and put back by their last line."""
    height, width = images.shape[-2:]
    even = images[..., : height - height % 2, : width - width % 2]
    pixels = (even * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    out = np.empty_like(pixels)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for video in np.unique(videos):
            rows = np.flatnonzero(videos == video)
            write_h264(path, [rgb_to_i420(pixels[row]) for row in rows], crf=int(level))
            for row, frame in zip(rows, read_frames(path), strict=True):
                out[row] = i420_to_rgb(frame)
    degraded = torch.from_numpy(out).permute(0, 3, 1, 2).float() / 255
    return functional.pad(degraded, (0, width % 2, 0, height % 2), mode="replicate")


DEGRADATIONS: Final[Mapping[str, Callable[[Tensor, float, Videos], Tensor]]] = MappingProxyType(
    {"jpeg": _jpeg, "blur": _blur, "noise": _noise, "resize": _resize, "crf": _crf}
)
"""Images ``(N, 3, H, W)`` in [0, 1], a level and each image's video to degraded images.

Levels: JPEG quality; blur sigma in pixels; noise deviation in 8-bit levels; resize factor down (and back up);
H.264 crf of the crops encoded as a clip.
"""
