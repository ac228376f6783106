"""The noise residual of images, in which forgery artefacts stand out: each pixel minus the mean around it."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

GAIN: Final = 4.0
"""Of the residual, which is small: without it the first batch norm's epsilon would matter."""


def residual_kernel() -> Tensor:
    """The filter, ``(3, 1, 3, 3)``: one for each colour."""
    kernel = torch.full((3, 1, 3, 3), -GAIN / 9)
    kernel[:, :, 1, 1] += GAIN
    return kernel


def noise_residual(images: Tensor, kernel: Tensor, *, below: int = 1, right: int = 1) -> Tensor:
    """Each pixel minus the mean of its 3 x 3 neighbours, times `GAIN`; reflected at the borders.

    Args:
        images: ``(B, 3, H, W)``, any range, sides of at least 3.
        kernel: From `residual_kernel`.
        below: Rows added at the bottom, the result having ``below - 1`` more than ``images``.
        right: Columns added at the right, likewise.

    Returns:
        ``(B, 3, H + below - 1, W + right - 1)``.
    """
    return functional.conv2d(functional.pad(images, (1, right, 1, below), mode="reflect"), kernel, groups=3)
