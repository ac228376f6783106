"""The pixel-wise blur through ``torch.compile``, on the CPU, where a C++ compiler is at hand; never needed.

The same flat layout as blur_plain.py, written as a whole: each image becomes one fused loop for the forward pass
(value and slope), and two for the images' gradient, along columns and along rows.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfake_adv.ops.blur_plain import backward_map, fold_reflection, powers_of, sums

__all__ = ["backward_images", "backward_map", "forward"]


def forward(images: Tensor, inverse_sigma: Tensor, kernel_size: int, slope: bool) -> tuple[Tensor, Tensor | None]:
    """Blur ``images`` (B, C, H, W) by ``inverse_sigma`` (B, 1, H, W), as ``blur_plain.forward``."""
    radius = kernel_size // 2
    height, width = images.shape[2:]
    stride = width + 2 * radius
    out = torch.empty(images.shape, dtype=images.dtype)
    slopes = torch.empty_like(out) if slope else None
    windows = _compiled(_windows)
    for image in range(images.shape[0]):
        # One more row of zeros below: the last row's spare columns look beyond the image.
        padded = F.pad(F.pad(images[image], [radius] * 4, mode="reflect"), [0, 0, 0, 1]).flatten(1)
        sigma = F.pad(inverse_sigma[image], [0, 2 * radius]).flatten(1)
        value, change = windows(padded, sigma, radius, stride, slope)
        out[image] = value.view(-1, height, stride)[..., :width]
        if slopes is not None:
            slopes[image] = change.view(-1, height, stride)[..., :width]
    return out, slopes


def backward_images(grad: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """Return the gradient for the images (B, C, H, W), as ``blur_plain.backward_images``."""
    radius = kernel_size // 2
    height, width = grad.shape[2:]
    stride = width + 2 * radius
    out = torch.empty(grad.shape, dtype=grad.dtype)
    columns, rows = _compiled(_columns), _compiled(_rows)
    border = [2 * radius, 0, 2 * radius, 2 * radius]
    for image in range(grad.shape[0]):
        q = torch.exp(inverse_sigma[image].square().mul_(-0.5))
        normal, _ = sums(powers_of(q, radius))
        # Zeros all around: two radii of rows above and below, and of columns between the rows.
        scaled = F.pad(grad[image].div(normal.square_()), border).flatten(1)
        totals = columns(scaled, F.pad(q, border).flatten(1), radius, stride)
        padded = rows(totals, radius).view(1, -1, height + 2 * radius, stride)
        out[image] = fold_reflection(padded, radius)[0]
    return out


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=True)


def _windows(padded: Tensor, sigma: Tensor, radius: int, stride: int, slope: bool) -> tuple[Tensor, Tensor | None]:
    """Blur a flat image (C, padded length) by its flat map (1, length), and differentiate by the map."""
    length = sigma.shape[1]
    powers = powers_of(torch.exp(-0.5 * sigma * sigma), radius)
    normal, moment = torch.ones_like(sigma), torch.zeros_like(sigma)
    for a in range(1, radius + 1):
        normal, moment = normal + 2 * powers[a], moment + 4 * a * a * powers[a]
    value, weighted = torch.zeros_like(sigma), torch.zeros_like(sigma)
    for a in range(radius + 1):
        inner, inner_weighted = torch.zeros_like(sigma), torch.zeros_like(sigma)
        for b in range(radius + 1):
            pixels = torch.zeros_like(sigma)
            for row in sorted({radius - a, radius + a}):
                for column in sorted({radius - b, radius + b}):
                    pixels = pixels + padded[:, row * stride + column :][:, :length]
            inner = inner + powers[b] * pixels
            inner_weighted = inner_weighted + (b * b) * powers[b] * pixels
        value = value + powers[a] * inner
        weighted = weighted + powers[a] * (inner_weighted + (a * a) * inner)
    scale = 1 / (normal * normal)
    value = value * scale
    return value, -sigma * (weighted * scale - value * (moment / normal)) if slope else None


def _columns(scaled: Tensor, q: Tensor, radius: int, stride: int) -> Tensor:
    """Sum h p_|u| p_b down each column, for every b: (radius + 1, C, length with a radius of rows around)."""
    length = scaled.shape[1] - 2 * radius * stride
    totals = [torch.zeros_like(scaled[:, :length]) for _ in range(radius + 1)]
    for row in range(2 * radius + 1):
        powers = powers_of(q[:, row * stride :][:, :length], radius)
        part = scaled[:, row * stride :][:, :length] * powers[abs(row - radius)]
        totals = [total + part * power for total, power in zip(totals, powers, strict=True)]
    return torch.stack(totals)


def _rows(totals: Tensor, radius: int) -> Tensor:
    """Sum along each row what ``_columns`` left: (C, length); the first two radii of columns are spare."""
    length = totals.shape[2]
    padded = F.pad(totals, [0, 2 * radius])
    total = padded[0, :, radius : radius + length]
    for b in range(1, radius + 1):
        total = total + padded[b, :, radius - b :][:, :length] + padded[b, :, radius + b :][:, :length]
    return total
