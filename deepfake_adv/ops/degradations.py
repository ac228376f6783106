"""Noise, even blur and JPEG with a strength of its own for each image; paper App. E."""

import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.checks import check_images, check_kernel_size, check_per_image
from deepfake_adv.ops.draws import Rng, normal
from deepfake_adv.ops.precision import wide


def gaussian_noise(images: Tensor, variance: Tensor, mean: float = 0.0, rng: Rng = None) -> Tensor:
    """Add Gaussian noise whose strength is given in 8-bit levels; paper App. E draws the variance from U[0, 30].

    torchvision's `GaussianNoise` takes no rng, so a resumed run would draw other noise.

    Args:
        images: ``(B, C, H, W)`` in [0, 1].
        variance: ``(B,)``, squared 8-bit levels, at least 0: 30 is a standard deviation of 5.5 / 255.
        mean: In 8-bit levels.
        rng: Source of the noise, on any device; or one per image.

    Returns:
        ``(B, C, H, W)`` in [0, 1], same dtype and device as ``images``; differentiable in ``images`` and, above
        0, in ``variance``.

    Raises:
        ValueError: If a shape is not as above or a variance is below 0.
    """
    check_images(images)
    check_per_image(variance, images, name="variance", low=0, high=float("inf"))
    deviation = variance.to(images).sqrt()[:, None, None, None]
    return (images + (mean + deviation * normal(images.shape, rng, images)) / 255).clamp(0, 1)


def gaussian_blur(images: Tensor, variance: Tensor, kernel_size: int = 9) -> Tensor:
    """Blur each image evenly; paper App. E draws the variance from U[0, 30] with a kernel of 9.

    The weights are normalised over the window and borders are reflected, as in ``blur_pixelwise``; the blur is
    separable. It equals torchvision's `gaussian_blur`, which takes one sigma for all images and has no gradient in it.

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


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Compress and decompress each image with the real codec; paper App. E draws the quality from U[60, 100].

    Chroma is subsampled 4:2:0, libjpeg's default. There is no gradient, as rounding has none.

    Args:
        images: ``(B, 3, H, W)`` RGB or ``(B, 1, H, W)`` grey, in [0, 1]; rounded to 8 bits.
        quality: ``(B,)``, 1 to 100; rounded to whole numbers.

    Returns:
        ``(B, C, H, W)`` in [0, 1], same dtype and device as ``images``, detached.

    Raises:
        ValueError: If a shape is not as above or a quality is out of range.
    """
    check_images(images)
    check_per_image(quality, images, name="quality", low=1, high=100)
    channels = images.shape[1]
    if channels not in (1, 3):
        raise ValueError(f"images must have 1 or 3 channels for JPEG; got {channels}. Compress the colours alone.")
    levels = images.detach().to("cpu", torch.float32).mul(255).round_().clamp_(0, 255).to(torch.uint8)
    compressed = torch.stack(
        [_compress(image, round(value)) for image, value in zip(levels, quality.tolist(), strict=True)]
    )
    return compressed.to(images.device, torch.float32).div_(255).to(images.dtype)


def _compress(image: Tensor, quality: int) -> Tensor:
    from torchvision.io import decode_jpeg, encode_jpeg  # takes 1.5 s to import

    decoded: Tensor = decode_jpeg(encode_jpeg(image, quality))
    return decoded
