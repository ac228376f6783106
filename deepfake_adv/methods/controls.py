"""Controls: training without an adversary, on as many images as with one. A gain that a control shows too is not its.

Three things come with the generators' images besides the game: a blur of some strength, a blur that varies from pixel
to pixel, and twice the images in each step. Each control keeps one of them and leaves the adversary out.
"""

import math
from dataclasses import replace
from typing import ClassVar, Final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Method
from deepfake_adv.methods.baseline import Baseline
from deepfake_adv.methods.registry import register_method
from deepfake_adv.names import FAKE_LABEL
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.draws import normal
from deepfake_adv.params.base import Odd

# Values drawn at a distance of d and joined linearly correlate by one half at 0.72 d (the cubic B-spline's half width).
_HALF_WIDTH: Final = 0.72


class BlurControl(Method):
    """The generators' blur with sigmas that do not depend on the detector, `with` the clean images as there."""

    class Params(Method.Params):
        """Arguments of every control that blurs."""

        kernel_size: Odd = Field(9, description="Window width of the blur, pixels, odd; the generators'.")

    def check_size(self, side: int) -> None:
        """Check that images are no smaller than the blur's window."""
        check_kernel_size(self.params.kernel_size, side, side)

    def sigma(self, frames: Batch, rng: torch.Generator) -> Tensor:
        """Sigma of each pixel of single images, ``(N, 1, H, W)``, pixels, above 0."""
        raise NotImplementedError(f"{type(self).__name__} must define sigma(), from images to maps.")

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Blur every frame; masks do not change, since a blur moves no pixel."""
        with torch.no_grad():
            maps = self.sigma(frames, rng).reciprocal()
            return replace(frames, images=blur_pixelwise(frames.images, maps, kernel_size=self.params.kernel_size))


@register_method("fixed_blur")
class FixedBlur(BlurControl):
    """One sigma for every pixel of every image: the strength of the generators' blur without their choice of place."""

    class Params(BlurControl.Params):
        """Arguments of the fixed blur; its default is what generators reached in a prototype of the study."""

        sigma: float = Field(
            1.7, gt=0, description="Pixels; the mean of the generators' maps that it is a control of (1.55 to 1.97 at "
            "floor 0.5)."
        )  # fmt: skip
        sigma_fake: float | None = Field(
            None, gt=0, description="Of fakes, where two generators blur them otherwise than reals; null: `sigma`."
        )

    def sigma(self, frames: Batch, rng: torch.Generator) -> Tensor:
        """The same sigma everywhere; of fakes their own if one is given."""
        maps = frames.images.new_full((len(frames), 1, *frames.images.shape[2:]), self.params.sigma)
        if self.params.sigma_fake is not None:
            maps[frames.labels == FAKE_LABEL] = self.params.sigma_fake
        return maps


@register_method("random_maps")
class RandomMaps(BlurControl):
    """Maps drawn at random, as uneven as the generators' but unrelated to image and detector.

    Log-normal, so that sigma stays above 0: the product of the mean, a factor of the image and a factor of the pixel.
    The pixels' is drawn on a grid and joined linearly, as a generator's map of a smaller `scale` is enlarged. Real and
    fake images are drawn alike.
    """

    class Params(BlurControl.Params):
        """Arguments of the random maps, as `studies.maps` measures them on a run's generators.

        The defaults but the mean are near those of the demo's two_gen_bat (0.02 to 0.04, 0.06 to 0.11, 20 to 35 at
        96 px); a control takes those of the very run that it is a control of.
        """

        mean: float = Field(1.7, gt=0, description="Mean sigma, pixels; as `fixed_blur` has it.")
        between: float = Field(0.05, ge=0, description="Standard deviation of the images' mean sigmas, pixels.")
        within: float = Field(
            0.1, ge=0, description="Standard deviation of sigma within an image, mean over images, pixels."
        )
        smoothness: float = Field(
            20.0,
            gt=0,
            description="Distance at which sigma's correlation within an image falls to one half, pixels; "
            "exact where it is small against the image.",
        )

    def sigma(self, frames: Batch, rng: torch.Generator) -> Tensor:
        """A new map for each image."""
        params, images = self.params, frames.images
        count, size = len(frames), images.shape[2:]
        spacing = params.smoothness / _HALF_WIDTH
        nodes = [max(round((side - 1) / spacing), 1) + 1 for side in size]
        of_image = normal((count, 1, 1, 1), rng, images)
        of_pixel = functional.interpolate(
            normal((count, 1, *nodes), rng, images), size, mode="bilinear", align_corners=True
        )
        deviation, mean = torch.std_mean(of_pixel, (2, 3), keepdim=True, correction=0)
        of_pixel = (of_pixel - mean) / deviation
        between, within = params.between / params.mean, params.within / params.mean
        sigma: Tensor = params.mean * _factor(of_image, between) * _factor(of_pixel, within)
        return sigma


def _factor(standard: Tensor, deviation: float) -> Tensor:
    """Log-normal numbers of mean 1 and this standard deviation, from standard normal ones."""
    variance = math.log1p(deviation**2)
    return (math.sqrt(variance) * standard - variance / 2).exp()


@register_method("clean_twice")
class CleanTwice(Baseline):
    """Training on unaltered images, twice as many in each step: the generators' number of images, none of them altered.

    The second half of a step's batch is a second draw, so that the control has what a method with an adversary has
    besides the game, more images behind each gradient, and more: twice the clean images. The same images once more
    would be no control: a detector without dropout has the same gradient for them, twice as long, and RAdam's steps
    do not depend on a gradient's length. The first half is the batch of the baseline with the same seed.
    """

    batches_per_step: ClassVar[int] = 2
