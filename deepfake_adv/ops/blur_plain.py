"""The pixel-wise blur in plain torch operations, on any device.

For the offset (u, v) a pixel's weight is q^(u²+v²) with q = exp(-inverse_sigma²/2). With p_a = q^(a²) it
factors into p_|u| p_|v|, so that

    y = sum_a p_a sum_b p_b S_ab / n²,   n = 1 + 2 sum_a p_a   (a, b = 0 ... radius)

where S_ab sums the pixels at (±a, ±b). The work goes strip by strip of rows, small enough for the cache. Rows
keep the padded image's stride, so that an offset (u, v) is one shift in flat memory and every operation runs
over contiguous data; the columns beyond the image's width hold nothing of use and are dropped at the end.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

# Values of one working plane per thread: measured best from 200 thousand on (smaller strips pay more for the calls
# than they save in the cache); beyond eight threads torch's own split of an operation is coarse enough.
_STRIP_VALUES = 262_144
_MOST_THREADS = 8


def forward(images: Tensor, inverse_sigma: Tensor, kernel_size: int, slope: bool) -> tuple[Tensor, Tensor | None]:
    """Blur ``images`` (B, C, H, W) by ``inverse_sigma`` (B, 1, H, W); both of one floating dtype.

    Returns:
        The blurred images and, if ``slope``, their derivative by ``inverse_sigma`` (B, C, H, W).
    """
    radius = kernel_size // 2
    channels, height, width = images.shape[1:]
    stride = width + 2 * radius
    out = torch.empty(images.shape, dtype=images.dtype, device=images.device)
    slopes = torch.empty_like(out) if slope else None
    for group, rows in _groups(images):
        padded = functional.pad(images[group], [radius] * 4, mode="reflect").flatten(2)
        planes = _Planes(*padded.new_empty(6, padded.shape[0], channels, rows * stride).unbind(0))
        for top in range(0, height, rows):
            strip = (group, slice(None), slice(top, min(top + rows, height)))
            sigma = functional.pad(inverse_sigma[strip], [0, 2 * radius]).flatten(2)
            sigma = sigma[..., : sigma.shape[-1] - 2 * radius]
            powers = powers_of(torch.exp(sigma.square().mul_(-0.5)), radius)
            normal, moment = sums(powers)
            scale = normal.square().reciprocal_()
            value, weighted = _window_sums(padded, powers, (top + radius) * stride, stride, planes, slope)
            out[strip].copy_(_rows(value.mul_(scale), out[strip], stride))
            if slopes is not None:
                # dy/ds = -(sum d w x / n² - y E[d]) / 2 with d = u² + v², and s = inverse_sigma².
                weighted.mul_(scale).addcmul_(value, moment.div_(normal), value=-1).mul_(sigma.neg())
                slopes[strip].copy_(_rows(weighted, out[strip], stride))
    return out, slopes


def backward_images(grad: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """Return the gradient for the images (B, C, H, W), given the output's gradient.

    The blur is linear in its images, so that they are not needed: each pixel adds grad / n² times its weights
    to its window.
    """
    radius = kernel_size // 2
    channels, height, width = grad.shape[1:]
    stride = width + 2 * radius
    out = torch.empty(grad.shape, dtype=grad.dtype, device=grad.device)
    for group, rows in _groups(grad):
        count = grad[group].shape[0]
        padded = grad.new_zeros(count, channels, (height + 2 * radius) * stride + 2 * radius)
        planes = grad.new_empty(3, count, channels, (rows + 2 * radius) * stride + 2 * radius)
        for top in range(0, height, rows):
            strip = (group, slice(None), slice(top, min(top + rows, height)))
            sigma = functional.pad(inverse_sigma[strip], [0, 2 * radius]).flatten(2)
            powers = powers_of(torch.exp(sigma.square().mul_(-0.5)), radius)
            normal, _ = sums(powers)
            # The spare columns must be zero here: a shift moves them into the next row.
            scaled = functional.pad(grad[strip], [0, 2 * radius]).flatten(2).div_(normal.square_())
            spread = _spread(scaled, powers, stride, planes)
            padded[..., top * stride :][..., : spread.shape[-1]].add_(spread)
        bordered = padded[..., : (height + 2 * radius) * stride].reshape(count, channels, height + 2 * radius, stride)
        out[group] = fold_reflection(bordered, radius)
    return out


def backward_map(grad: Tensor, slope: Tensor) -> Tensor:
    """Return the gradient for ``inverse_sigma`` (B, 1, H, W) from the output's gradient and the slope."""
    out = torch.empty_like(slope[:, :1])
    for image in range(grad.shape[0]):
        torch.sum(grad[image] * slope[image], 0, keepdim=True, out=out[image])
    return out


class _Planes(NamedTuple):
    """Working planes (N, C, strip and margin) that every strip of a group overwrites."""

    rows: Tensor  # sum of the rows above and below
    pair: Tensor  # S_ab
    inner: Tensor  # sum over b of p_b S_ab
    inner_weighted: Tensor  # the same with b²
    value: Tensor  # sum of w x over the window
    weighted: Tensor  # sum of (u² + v²) w x over the window


def _window_sums(
    padded: Tensor, powers: list[Tensor], middle: int, stride: int, planes: _Planes, slope: bool
) -> tuple[Tensor, Tensor]:
    """Sum w x and, if ``slope``, (u²+v²) w x over each pixel's window.

    ``padded`` is flat, (N, C, rows x stride); the strip's first pixel has its row's first padded column at
    ``middle``. Returns views of ``planes`` (N, C, length); the second is meaningless without ``slope``.
    """
    radius = len(powers) - 1
    length = powers[0].shape[-1]
    reach = length + 2 * radius
    pair, inner, inner_weighted, value, weighted = (plane[..., :length] for plane in planes[1:])
    squares = [power * (b * b) for b, power in enumerate(powers)] if slope else []
    for a in range(radius + 1):
        line = padded[..., middle + a * stride :][..., :reach]
        if a:
            above = padded[..., middle - a * stride :][..., :reach]
            line = torch.add(line, above, out=planes.rows[..., :reach])
        total, total_weighted = (inner, inner_weighted) if a else (value, weighted)
        total.copy_(line[..., radius : radius + length])
        if slope:
            total_weighted.zero_()
        for b in range(1, radius + 1):
            torch.add(line[..., radius + b :][..., :length], line[..., radius - b :][..., :length], out=pair)
            total.addcmul_(pair, powers[b])
            if slope:
                total_weighted.addcmul_(pair, squares[b])
        if a:
            value.addcmul_(inner, powers[a])
            if slope:
                weighted.addcmul_(inner_weighted, powers[a]).addcmul_(inner, squares[a])
    return value, weighted


def _spread(scaled: Tensor, powers: list[Tensor], stride: int, planes: Tensor) -> Tensor:
    """Add ``scaled`` (N, C, length) times its weights to the pixels of its windows.

    Returns a view of ``planes``, (N, C, length + 2 radius rows and columns).
    """
    radius = len(powers) - 1
    length = scaled.shape[-1]
    tall = length + 2 * radius * stride
    spread = planes[0][..., : tall + 2 * radius].zero_()
    column, product = planes[1][..., :tall], planes[2][..., :length]
    own = radius * stride
    for b in range(radius + 1):
        part = torch.mul(scaled, powers[b], out=product) if b else scaled
        column[..., :own].zero_()
        column[..., own : own + length].copy_(part)
        column[..., own + length :].zero_()
        for a in range(1, radius + 1):
            column[..., own - a * stride :][..., :length].addcmul_(part, powers[a])
            column[..., own + a * stride :][..., :length].addcmul_(part, powers[a])
        for shift in {radius - b, radius + b}:
            spread[..., shift : shift + tall].add_(column)
    return spread


def powers_of(q: Tensor, radius: int) -> list[Tensor]:
    """Return q^(a²) for a = 0 ... radius by multiplication: (a+1)² - a² = 2a + 1."""
    powers, step, square = [torch.ones_like(q)], q, q * q
    for _ in range(radius):
        powers.append(powers[-1] * step)
        step = step * square
    return powers


def sums(powers: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return n = sum over u of p_|u|, and 2 sum over u of u² p_|u|: E[u²+v²] is their quotient."""
    normal, moment = torch.ones_like(powers[0]), torch.zeros_like(powers[0])
    for a, power in enumerate(powers[1:], start=1):
        normal.add_(power, alpha=2)
        moment.add_(power, alpha=4 * a * a)
    return normal, moment


def _groups(images: Tensor) -> Iterator[tuple[slice, int]]:
    """Yield slices of the batch and the rows of a strip, so that one working plane has a good size."""
    batch, channels, height, width = images.shape
    target = _STRIP_VALUES * min(torch.get_num_threads(), _MOST_THREADS)
    if images.device.type != "cpu":
        target = images.numel()
    rows = max(1, min(height, target // (channels * width)))
    step = max(1, target // (channels * width * height))
    for first in range(0, batch, step):
        yield slice(first, min(first + step, batch)), rows


def _rows(flat: Tensor, like: Tensor, stride: int) -> Tensor:
    """View the flat strip (N, C, length) as the rows of ``like`` (N, C, rows, W), spare columns left out."""
    return flat.as_strided(like.shape, (*flat.stride()[:2], stride, 1))


def fold_reflection(padded: Tensor, radius: int) -> Tensor:
    """Add a padded gradient's border back to the pixels it mirrors; changes ``padded`` (N, C, H+2r, W+2r)."""
    for axis in (2, 3):
        size = padded.shape[axis] - 2 * radius
        if radius:
            first = padded.narrow(axis, 0, radius).flip(axis)
            padded.narrow(axis, radius + 1, radius).add_(first)
            last = padded.narrow(axis, radius + size, radius).flip(axis)
            padded.narrow(axis, size - 1, radius).add_(last)
        padded = padded.narrow(axis, radius, size)
    return padded
