"""Gaussian blur with one width per image, paper App. E."""

import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.checks import check_images, check_kernel_size, check_per_image
from deepfake_adv.ops.precision import wide


def gaussian_blur(images: Tensor, variance: Tensor, kernel_size: int = 9) -> Tensor:
    """Blur each image evenly; paper App. E draws the variance from U[0, 30] with a kernel of 9.

    The weights are normalised over the window and borders are reflected, as in ``blur_pixelwise``; two passes of
    one dimension each. Equal to torchvision's, which takes one variance per call and no gradient for it.

    Args:
        images: ``(B, C, H, W)``, any range.
        variance: ``(B,)``, pixels², at least 0; 0 leaves the image as it is.
        kernel_size: Window width in pixels, odd, at most the image's shorter side.

    Returns:
        ``(B, C, H, W)``, same dtype and device as ``images``; differentiable in both arguments.

    Raises:
        ValueError: If a shape or ``kernel_size`` is not as above, or a variance is below 0.
    """
    check_images(images)
    check_kernel_size(kernel_size, *images.shape[-2:])
    check_per_image(variance, images, name="variance", low=0, high=float("inf"))
    batch, channels, height, width = images.shape
    radius = kernel_size // 2
    dtype = wide(images.dtype)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=dtype)
    # A variance of 1e-4 pixels² is the identity in any dtype, and keeps 0 / 0 out of the centre's weight.
    weights = torch.softmax(-offsets.square() / (2 * variance.to(images.device, dtype).clamp_min(1e-4)[:, None]), 1)
    weights = weights.repeat_interleave(channels, 0)
    with torch.autocast(images.device.type, enabled=False):
        planes = functional.pad(images.to(dtype), [radius] * 4, mode="reflect").reshape(
            1, batch * channels, *_padded(images, radius)
        )
        planes = functional.conv2d(planes, weights[:, None, :, None], groups=batch * channels)
        planes = functional.conv2d(planes, weights[:, None, None, :], groups=batch * channels)
    return planes.reshape(batch, channels, height, width).to(images.dtype)


def _padded(images: Tensor, radius: int) -> tuple[int, int]:
    return images.shape[2] + 2 * radius, images.shape[3] + 2 * radius
