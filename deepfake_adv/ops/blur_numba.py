"""The pixel-wise blur on the CPU in float32, compiled by Numba.

The factored sums of blur_plain.py, one row of one channel at a time, so that all working data stays in the
first-level cache. What decides the speed:

- The kernel's width is a constant to the compiler, because it comes as the length of a tuple; the sums over a
  window's columns are unrolled. Each width is compiled at its first use, in a few seconds, and kept on disk.
- Indices are unsigned. Signed ones may be negative, which Python counts from the end, and that test would keep
  the loops from using vector instructions.
- Rows and images are independent and summed in a fixed order: results do not depend on the number of threads.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_adv.ops.blur_plain import backward_map

__all__ = ["backward_images", "backward_map", "forward"]

Array = NDArray[np.float32]

_index = np.uintp


def _compile(function: Callable[..., Any]) -> Any:
    """Compile at the first call; kept on disk where there is a folder to write to."""
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**settings)(function)


def forward(images: Tensor, inverse_sigma: Tensor, kernel_size: int, slope: bool) -> tuple[Tensor, Tensor | None]:
    """Blur ``images`` (B, C, H, W) by ``inverse_sigma`` (B, 1, H, W), as ``blur_plain.forward``."""
    images, sigma = images.detach().contiguous(), _sigma(inverse_sigma)
    out = torch.empty_like(images)
    slopes = torch.empty_like(images) if slope else images.new_empty((0, *images.shape[1:]))
    arrays = images.numpy(), out.numpy(), slopes.numpy()
    offsets = _offsets(kernel_size)

    def blur(first: int, last: int, q: Array) -> None:
        _blur_rows(*arrays, sigma, q, offsets, first, last)

    _in_parts(blur, sigma, rows_per_unit=1)
    return out, slopes if slope else None


def backward_images(grad: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """Return the gradient for the images (B, C, H, W), as ``blur_plain.backward_images``."""
    grad, sigma = grad.detach().contiguous(), _sigma(inverse_sigma)
    out = torch.empty_like(grad)
    arrays = grad.numpy(), out.numpy()
    offsets = _offsets(kernel_size)

    def spread(first: int, last: int, q: Array) -> None:
        _spread_images(*arrays, q, offsets, first, last)

    _in_parts(spread, sigma, rows_per_unit=sigma.shape[1])
    return out


def _sigma(inverse_sigma: Tensor) -> Array:
    values: Array = inverse_sigma.detach().contiguous().numpy()[:, 0]
    return values


def _offsets(kernel_size: int) -> tuple[int, ...]:
    """0 to radius: a tuple, because its length is a part of its type, and so a constant to the compiler."""
    return tuple(range(kernel_size // 2 + 1))


def _in_parts(work: Callable[[int, int, Array], None], sigma: Array, *, rows_per_unit: int) -> None:
    """Call ``work(first, last, q)`` for as many ranges of units as torch has threads; q = exp(-sigma²/2), by rows."""
    rows = sigma.reshape(-1, sigma.shape[-1])
    units = len(rows) // rows_per_unit
    parts = max(min(torch.get_num_threads(), units), 1)
    edges = [units * part // parts for part in range(parts + 1)]

    def part(first: int, last: int) -> None:
        own = rows[first * rows_per_unit : last * rows_per_unit]
        q = own * own
        q *= np.float32(-0.5)
        work(first, last, np.exp(q, out=q))

    others = [_threads(parts - 1).submit(part, *edges[number : number + 2]) for number in range(1, parts)]
    part(edges[0], edges[1])
    for other in others:
        other.result()


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="blur")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process does not inherit threads


@_compile
def _blur_rows(
    images: Array,
    out: Array,
    slopes: Array,
    sigma: Array,
    q: Array,
    offsets: tuple[int, ...],
    first: int,
    last: int,
) -> None:
    """Blur rows `first` to `last` of the batch's; q holds these alone. No slopes are made where there is no room."""
    channels, height, width = images.shape[1:]
    radius = len(offsets) - 1
    powers = np.empty((radius + 1, width), np.float32)
    scale, mean = np.empty(width, np.float32), np.empty(width, np.float32)
    line = np.empty(width + 2 * radius, np.float32)
    own = line[radius : radius + width]
    value, weighted = np.empty(width, np.float32), np.empty(width, np.float32)
    for unit in range(first, last):
        image, y = unit // height, unit % height
        _weigh(q[unit - first], offsets, powers, scale, mean)
        for channel in range(channels):
            plane = images[image, channel]
            value[:] = 0
            weighted[:] = 0
            for a in range(radius + 1):
                above, below = plane[abs(y - a)], plane[height - 1 - abs(height - 1 - y - a)]
                if a == 0:
                    own[:] = above
                else:
                    for x in range(_index(width)):
                        own[x] = above[x] + below[x]
                for b in range(1, radius + 1):
                    line[radius - b] = line[radius + b]
                    line[radius + width - 1 + b] = line[radius + width - 1 - b]
                if len(slopes):
                    _window_and_slope(line, powers, a, offsets, value, weighted)
                else:
                    _window(line, powers, a, offsets, value)
            row = out[image, channel, y]
            for x in range(_index(width)):
                row[x] = value[x] * scale[x]
            if len(slopes):
                # dy/ds = -(sum d w x / n² - y E[d]) / 2 with d = u² + v², and s = sigma².
                slope, root = slopes[image, channel, y], sigma[image, y]
                for x in range(_index(width)):
                    slope[x] = root[x] * (row[x] * mean[x] - weighted[x] * scale[x])


@_compile
def _weigh(q: Array, offsets: tuple[int, ...], powers: Array, scale: Array, mean: Array) -> None:
    """For a row of q: powers[a] = q^(a²), scale = 1/n² and mean = E[u² + v²], n the sum of the powers."""
    one, two = np.float32(1), np.float32(2)
    for x in range(_index(len(q))):
        powers[0, x] = one
        power = step = q[x]
        square = step * step
        total, moment = one, np.float32(0)
        for a in range(_index(1), _index(len(offsets))):
            powers[a, x] = power
            total += two * power
            moment += np.float32(4 * a * a) * power
            step *= square
            power *= step
        scale[x] = one / (total * total)
        mean[x] = moment / total


@_compile
def _window(line: Array, powers: Array, a: int, offsets: tuple[int, ...], value: Array) -> None:
    """Add p_a times the sum over b of p_b S_ab; line holds the rows at -a and a, summed, with reflected ends."""
    row, radius = _index(a), _index(len(offsets) - 1)
    for x in range(_index(len(value))):
        inner = line[radius + x]
        for b in range(_index(1), _index(len(offsets))):
            inner += powers[b, x] * (line[radius - b + x] + line[radius + b + x])
        value[x] += powers[row, x] * inner


@_compile
def _window_and_slope(
    line: Array, powers: Array, a: int, offsets: tuple[int, ...], value: Array, weighted: Array
) -> None:
    """As `_window`, and also the same sum with every weight times a² + b²."""
    row, radius = _index(a), _index(len(offsets) - 1)
    for x in range(_index(len(value))):
        inner, inner_weighted = line[radius + x], np.float32(0)
        for b in range(_index(1), _index(len(offsets))):
            term = powers[b, x] * (line[radius - b + x] + line[radius + b + x])
            inner += term
            inner_weighted += np.float32(b * b) * term
        value[x] += powers[row, x] * inner
        weighted[x] += powers[row, x] * (inner_weighted + np.float32(a * a) * inner)


@_compile
def _spread_images(grad: Array, out: Array, q: Array, offsets: tuple[int, ...], first: int, last: int) -> None:
    """Add each pixel's grad / n² times its weights to the pixels of its window, for images `first` to `last`."""
    channels, height, width = grad.shape[1:]
    radius = len(offsets) - 1
    powers = np.empty((radius + 1, width), np.float32)
    scale, mean = np.empty(width, np.float32), np.empty(width, np.float32)
    margin = 2 * radius  # of zeros, for rows beyond the image
    weights = np.zeros((radius + 1, width + 2 * margin), np.float32)
    shares = np.zeros((radius + 1, width + 2 * margin), np.float32)
    line = np.empty(width + margin, np.float32)
    own = line[radius : radius + width]
    for image in range(first, last):
        out[image] = 0
        for y in range(height):
            _weigh(q[(image - first) * height + y], offsets, powers, scale, mean)
            weights[:, margin : margin + width] = powers
            for channel in range(channels):
                given = grad[image, channel, y]
                for b in range(radius + 1):
                    power, share = powers[b], shares[b, margin : margin + width]
                    for x in range(_index(width)):
                        share[x] = given[x] * scale[x] * power[x]
                for a in range(radius + 1):
                    _spread_row(shares, weights, a, offsets, line)
                    for b in range(1, radius + 1):  # a reflected pixel's gradient belongs to the pixel that it mirrors
                        own[b] += line[radius - b]
                        own[width - 1 - b] += line[radius + width - 1 + b]
                    above = out[image, channel, abs(y - a)]
                    for x in range(_index(width)):
                        above[x] += own[x]
                    if a:
                        below = out[image, channel, height - 1 - abs(height - 1 - y - a)]
                        for x in range(_index(width)):
                            below[x] += own[x]


@_compile
def _spread_row(shares: Array, weights: Array, a: int, offsets: tuple[int, ...], line: Array) -> None:
    """A row's contribution to the rows at -a and a: the sum over b of its values times p_b, b columns to each side."""
    row, radius = _index(a), _index(len(offsets) - 1)
    for x in range(_index(len(line))):
        total = shares[0, radius + x] * weights[row, radius + x]
        for b in range(_index(1), _index(len(offsets))):
            total += shares[b, radius - b + x] * weights[row, radius - b + x]
            total += shares[b, radius + b + x] * weights[row, radius + b + x]
        line[x] = total
