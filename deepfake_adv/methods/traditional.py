"""Traditional augmentation: noise, blur, JPEG and all three; paper Tables IV, V, X, XI and Appendix E."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Clean, Method
from deepfake_adv.methods.registry import register_method
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.degradations import gaussian_blur, gaussian_noise, jpeg
from deepfake_adv.ops.draws import uniform
from deepfake_adv.params.base import Odd, Section


def _ascending(value: list[float]) -> list[float]:
    if value[0] > value[1]:
        raise PydanticCustomError("ascending", "must be two numbers in ascending order")
    return value


Variance = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
QualityRange = Annotated[
    list[Annotated[float, Field(ge=1, le=100)]], Field(min_length=2, max_length=2), AfterValidator(_ascending)
]


@dataclass(frozen=True)
class Augmentation:
    """One operation, applied to a share of the images with a strength drawn for each.

    Attributes:
        apply: ``(images, strengths (N,), rng)`` to images.
        probability: Share of images that are altered.
        strength: Bounds of the uniform strength.
        kernel_size: Window width of a blur, pixels.
    """

    apply: Callable[[Tensor, Tensor, torch.Generator], Tensor]
    probability: float
    strength: tuple[float, float]
    kernel_size: int = 1

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Alter some of ``images`` ``(N, 3, H, W)``."""
        draws = uniform((2, len(images)), rng, images)
        chosen = (draws[0] < self.probability).nonzero().flatten()
        if not len(chosen):
            return images
        low, high = self.strength
        strengths = low + (high - low) * draws[1, chosen]
        return images.index_copy(0, chosen, self.apply(images[chosen], strengths, rng).to(images.dtype))


class Traditional(Method):
    """Augmentations in sequence; by default the detector trains on augmented images only.

    A subclass lists them in `augmentations`.
    """

    class Params(Method.Params):
        """Arguments of every augmentation; the paper's rows train on altered images only."""

        clean: Clean = Field("instead", description="instead: altered images alone; with: the clean ones too, Eq. (3).")

    augmentations: tuple[Augmentation, ...]

    def check_size(self, side: int) -> None:
        """Check that images are no smaller than a blur's window."""
        for augmentation in self.augmentations:
            check_kernel_size(augmentation.kernel_size, side, side)

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Augment every frame independently; masks do not change, since no pixel moves."""
        images = frames.images
        with torch.no_grad():
            for augmentation in self.augmentations:
                images = augmentation(images, rng)
        return replace(frames, images=images)


class Share(Section):
    """Which images are altered."""

    probability: float = Field(0.5, ge=0, le=1, description="Share of images; the paper has 0.5 for noise.")


class Noise(Share):
    """Additive Gaussian noise, paper Appendix E."""

    variance: Variance = Field([0.0, 30.0], description="Bounds of the variance, squared grey levels of 0 to 255.")
    mean: float = Field(0.0, description="Mean, grey levels.")

    def make(self) -> Augmentation:
        """The operation."""
        low, high = self.variance
        return Augmentation(
            lambda images, strengths, rng: gaussian_noise(images, strengths, self.mean, rng),
            self.probability,
            (low, high),
        )


class EvenBlur(Share):
    """Gaussian blur of one sigma per image, paper Appendix E (which leaves the probability open)."""

    variance: Variance = Field([0.0, 30.0], description="Bounds of sigma squared, squared pixels.")
    kernel_size: Odd = Field(9, description="Window width, pixels, odd.")

    def make(self) -> Augmentation:
        """The operation."""
        low, high = self.variance
        return Augmentation(
            lambda images, strengths, rng: gaussian_blur(images, strengths, self.kernel_size),
            self.probability,
            (low, high),
            self.kernel_size,
        )


class Compression(Share):
    """JPEG compression by libjpeg, paper Appendix E (which leaves the probability open)."""

    quality: QualityRange = Field([60.0, 100.0], description="Bounds of the quality, 1 to 100, both included.")

    def make(self) -> Augmentation:
        """The operation."""
        low, high = self.quality
        return Augmentation(
            lambda images, strengths, rng: jpeg(images, strengths.floor().clamp(max=high)),
            self.probability,
            (low, high + 1),  # the floor of the draw: every integer quality is equally likely
        )


class Single(Traditional):
    """One augmentation, whose arguments are the method's own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.augmentations = (self.params.make(),)


@register_method("gaussian_noise")
class GaussianNoise(Single):
    """Noise."""

    class Params(Traditional.Params, Noise):
        """Arguments of the noise."""


@register_method("gaussian_blur")
class GaussianBlur(Single):
    """Blur."""

    class Params(Traditional.Params, EvenBlur):
        """Arguments of the blur."""


@register_method("jpeg")
class Jpeg(Single):
    """Compression."""

    class Params(Traditional.Params, Compression):
        """Arguments of the compression."""


@register_method("combined_traditional")
class CombinedTraditional(Traditional):
    """Blur, noise and JPEG, in the order in which they occur in a camera; the paper gives no order."""

    class Params(Traditional.Params):
        """Arguments of the three."""

        noise: Noise = Field(Noise.read({}), description="Arguments of the noise.")
        blur: EvenBlur = Field(EvenBlur.read({}), description="Arguments of the blur.")
        jpeg: Compression = Field(Compression.read({}), description="Arguments of the compression.")

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        params = self.params
        self.augmentations = (params.blur.make(), params.noise.make(), params.jpeg.make())
