"""Checks of the arguments of operations."""

import math

import torch
from torch import Tensor


class NotFinite(ValueError, FloatingPointError):
    """A tensor holds NaN or infinity.

    Args:
        name: Name of the tensor.
        found: How many such values it holds, in words.
    """

    def __init__(self, name: str, found: str) -> None:
        self.name, self.found = name, found
        super().__init__(f"{name} must be finite; got {found}. Find the earlier step that produced them.")


def check_images(images: Tensor, *, name: str = "images") -> None:
    """Check that ``images`` is a non-empty floating tensor of shape (B, C, H, W).

    Raises:
        ValueError: If it is not.
    """
    if images.dim() != 4 or 0 in images.shape[1:]:
        raise ValueError(
            f"{name} must have the shape (B, C, H, W); got {tuple(images.shape)}. "
            "Add the missing dimension, e.g. with unsqueeze(0)."
        )
    if not images.is_floating_point():
        raise ValueError(
            f"{name} must be floating point; got {images.dtype}. Convert 8-bit pixels with images.float() / 255."
        )


def check_finite(tensor: Tensor, *, name: str) -> None:
    """Check that no value is NaN or infinite; waits for the device.

    Raises:
        NotFinite: If there is one.
    """
    if tensor.numel() == 0:
        return
    low, high = torch.aminmax(tensor.detach())
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        count = int((~torch.isfinite(tensor.detach())).sum())
        raise NotFinite(name, f"{count} NaN or infinite values of {tensor.numel()}")


def check_kernel_size(kernel_size: int, height: float = math.inf, width: float = math.inf) -> None:
    """Check that ``kernel_size`` is odd, positive and no wider than an image of ``height`` x ``width`` pixels.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(kernel_size, bool) or not isinstance(kernel_size, int) or kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(
            f"kernel_size must be an odd integer of at least 1; got {kernel_size!r}. The paper uses 3, 5, 7 and 9."
        )
    if kernel_size > min(height, width):
        raise ValueError(
            f"kernel_size must be at most the image's shorter side; got {kernel_size} for images of "
            f"{height} x {width}. Use a smaller kernel or larger images."
        )


def check_per_image(values: Tensor, images: Tensor, *, name: str, low: float, high: float) -> None:
    """Check that ``values`` holds one number in [low, high] for each image.

    Raises:
        ValueError: If it does not.
    """
    if values.shape != images.shape[:1]:
        raise ValueError(
            f"{name} must have the shape (B,) = ({images.shape[0]},); got {tuple(values.shape)}. "
            "Give one value per image."
        )
    outside = ~((values >= low) & (values <= high))
    if bool(outside.any()):
        raise ValueError(
            f"{name} must be within [{low:g}, {high:g}]; got {values[outside][0].item():g}. Change the value's range."
        )
