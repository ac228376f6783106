"""Additive Gaussian noise, paper App. E."""

from torch import Tensor

from deepfake_adv.ops.checks import check_images, check_per_image
from deepfake_adv.ops.draws import Rng, normal


def gaussian_noise(
    images: Tensor, variance: Tensor, mean: float = 0.0, rng: Rng = None
) -> Tensor:
    """Add Gaussian noise whose strength is given in 8-bit levels; paper App. E draws the variance from U[0, 30].

    torchvision's takes no rng of its own, so that a resumed run would not draw the same noise.

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
