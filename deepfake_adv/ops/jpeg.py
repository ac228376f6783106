"""JPEG compression by libjpeg, paper App. E."""

import cv2
import numpy as np
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
    pixels: np.ndarray = np.ascontiguousarray(image.flip(0).permute(1, 2, 0).numpy())  # OpenCV's order is BGR
    flags = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    done, encoded = cv2.imencode(".jpg", pixels, flags)
    assert done, "libjpeg encodes any 8-bit image"
    decoded = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE if image.shape[0] == 1 else cv2.IMREAD_COLOR)
    assert decoded is not None, "libjpeg decodes what it encoded"
    return torch.from_numpy(decoded.reshape(pixels.shape)).permute(2, 0, 1).flip(0)
