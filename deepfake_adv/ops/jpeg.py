"""JPEG compression by libjpeg, paper App. E."""

import torch
from torch import Tensor

from deepfake_adv.ops.checks import check_images, check_per_image


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Compress and decompress each image with the real codec; paper App. E draws the quality from U[60, 100].

    Chroma is subsampled 4:2:0, libjpeg's habit. The result has no gradient: rounding has none.

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
    from torchvision.io import decode_jpeg, encode_jpeg  # takes 1.5 s, which only what compresses waits for

    decoded: Tensor = decode_jpeg(encode_jpeg(image, quality))
    return decoded
