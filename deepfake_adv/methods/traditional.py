"""Traditional augmentation: noise, blur, JPEG and all three; paper Tables IV, V, X, XI and Appendix E."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Clean, Method
from deepfake_adv.methods.registry import made_of, register_method
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.draws import uniform
from deepfake_adv.ops.gaussian import gaussian_blur
from deepfake_adv.ops.jpeg import jpeg
from deepfake_adv.ops.noise import gaussian_noise


@dataclass(frozen=True)
class Augmentation:
    """One operation, applied to a share of the images with a strength drawn for each.

    Attributes:
        apply: ``(images, strengths (N,), generator)`` to images.
        probability: Share of images that are altered.
        strength: Bounds of the uniform strength.
        kernel_size: Window width of a blur, pixels.
    """

    apply: Callable[[Tensor, Tensor, torch.Generator], Tensor]
    probability: float
    strength: tuple[float, float]
    kernel_size: int = 1

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Alter some of ``images`` ``(N, 3, H, W)``."""
        draws = uniform((2, len(images)), generator, images)
        chosen = (draws[0] < self.probability).nonzero().flatten()
        if not len(chosen):
            return images
        low, high = self.strength
        strengths = low + (high - low) * draws[1, chosen]
        return images.index_copy(0, chosen, self.apply(images[chosen], strengths, generator).to(images.dtype))


class Traditional(Method):
    """Augmentations in a row, in place of the clean images unless asked otherwise.

    Args:
        augmentations: Applied in this order.
        lam: See `Method`.
        clean: See `Method`; the paper's rows are "instead".
    """

    def __init__(self, *augmentations: Augmentation, lam: float = 1.0, clean: Clean = "instead") -> None:
        super().__init__(lam=lam, clean=clean)
        self.augmentations = augmentations

    def check_size(self, side: int) -> None:
        """Refuse images smaller than a blur's window."""
        for augmentation in self.augmentations:
            check_kernel_size(augmentation.kernel_size, side, side)

    def alter(self, model: nn.Module, frames: Batch, generator: torch.Generator) -> Batch:
        """Augment every frame on its own; masks stay, since nothing moves."""
        images = frames.images
        with torch.no_grad():
            for augmentation in self.augmentations:
                images = augmentation(images, generator)
        return replace(frames, images=images)


@register_method("combined_traditional")
class CombinedTraditional(Traditional):
    """Blur, noise and JPEG in the order in which a camera's pictures meet them; the paper names no order.

    Args:
        noise: Arguments of `noising`.
        blur: Arguments of `blurring`.
        jpeg: Arguments of `compression`.
        lam: See `Method`.
        clean: See `Method`.
    """

    def __init__(
        self,
        *,
        noise: Mapping[str, Any] | None = None,
        blur: Mapping[str, Any] | None = None,
        jpeg: Mapping[str, Any] | None = None,
        lam: float = 1.0,
        clean: Clean = "instead",
    ) -> None:
        steps = (blurring(**(blur or {})), noising(**(noise or {})), compression(**(jpeg or {})))
        super().__init__(*steps, lam=lam, clean=clean)


def noising(*, probability: float = 0.5, variance: Sequence[float] = (0.0, 30.0), mean: float = 0.0) -> Augmentation:
    """Additive Gaussian noise, paper Appendix E.

    Args:
        probability: Share of images, in [0, 1].
        variance: Bounds of the variance, squared grey levels of 0 to 255.
        mean: Mean, grey levels.

    Raises:
        ValueError: If an argument is out of range.
    """
    return Augmentation(
        lambda images, strengths, generator: gaussian_noise(images, strengths, mean, generator),
        _probability(probability),
        _bounds("variance", variance, 0, float("inf")),
    )


def blurring(
    *, probability: float = 0.5, variance: Sequence[float] = (0.0, 30.0), kernel_size: int = 9
) -> Augmentation:
    """Gaussian blur of one sigma per image, paper Appendix E (which leaves the probability open).

    Args:
        probability: Share of images, in [0, 1].
        variance: Bounds of sigma squared, squared pixels.
        kernel_size: Window width, pixels, odd.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_kernel_size(kernel_size)
    return Augmentation(
        lambda images, strengths, generator: gaussian_blur(images, strengths, kernel_size),
        _probability(probability),
        _bounds("variance", variance, 0, float("inf")),
        kernel_size,
    )


def compression(*, probability: float = 0.5, quality: Sequence[float] = (60, 100)) -> Augmentation:
    """JPEG compression by libjpeg, paper Appendix E (which leaves the probability open).

    Args:
        probability: Share of images, in [0, 1].
        quality: Bounds of the quality, 1 to 100, both included.

    Raises:
        ValueError: If an argument is out of range.
    """
    low, high = _bounds("quality", quality, 1, 100)
    return Augmentation(
        lambda images, strengths, generator: jpeg(images, strengths.floor().clamp(max=high)),
        _probability(probability),
        (low, high + 1),  # floor of the draw: every whole quality equally often
    )


def _probability(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"probability must be in [0, 1]; got {value}. Appendix E of the paper has 0.5 for noise.")
    return value


def _bounds(name: str, bounds: Sequence[float], least: float, most: float) -> tuple[float, float]:
    if len(bounds) != 2 or not least <= bounds[0] <= bounds[1] <= most:
        raise ValueError(
            f"{name} must be two numbers in ascending order from {least} to {most}; got {list(bounds)}. "
            "Appendix E of the paper has [0, 30] for variances and [60, 100] for the JPEG quality."
        )
    return float(bounds[0]), float(bounds[1])


register_method("gaussian_noise")(made_of(Traditional, noising))
register_method("gaussian_blur")(made_of(Traditional, blurring))
register_method("jpeg")(made_of(Traditional, compression))
