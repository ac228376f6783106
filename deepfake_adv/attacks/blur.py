"""Adversarial blurring, paper Sec. III-B: each pixel's Gaussian is the variable."""

from pydantic import Field
from torch import Tensor

from deepfake_adv.attacks.ascent import Attack
from deepfake_adv.attacks.registry import register_attack
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.draws import Rng
from deepfake_adv.ops.precision import wide
from deepfake_adv.params.base import Odd


@register_attack("blur")  # row Grad-BAT and Tables VII, XII and XIII
class Blur(Attack):
    """Pixel-wise blurring ascended over the map ``inverse_sigma`` (B, 1, H, W); paper Eq. (6).

    The variable is 1/sigma (Sec. IV), one channel for all colours, at least 0. Eq. (6)'s raw step has no scale and
    changes almost nothing at the paper's epsilon. The default step is therefore relative to the start:
    epsilon x start x gradient / mean |gradient| per image. ``rule="raw"`` follows Eq. (6) literally.
    """

    class Params(Attack.Params):
        """Arguments of `Blur`."""

        epsilon: float = Field(
            0.2,
            gt=0,
            description="Size of a step: under relative in units of the start, else in 1/pixels, and under raw times "
            "the gradient.",
        )
        start: float = Field(1.0, gt=0, description="Every entry's first value, 1/pixels (1: sigma = 1).")
        kernel_size: Odd = Field(9, description="Window width in pixels, odd.")
        bound: float | None = Field(
            None, gt=0, description="Largest change of an entry over all steps, in units of the start; null: none."
        )

    params: Params

    @property
    def size(self) -> float:
        return self.params.epsilon

    @property
    def scale(self) -> float:
        return self.params.start

    def check_size(self, height: int, width: int) -> None:
        check_kernel_size(self.params.kernel_size, height, width)

    def initial(self, images: Tensor, rng: Rng) -> Tensor:
        # A map in less than float32 would lose small steps to rounding.
        return images.new_full((images.shape[0], 1, *images.shape[2:]), self.params.start, dtype=wide(images.dtype))

    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        return blur_pixelwise(images, variable, kernel_size=self.params.kernel_size)

    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        start, bound = self.params.start, self.params.bound
        if bound is not None:
            variable = variable.clamp(start - bound * start, start + bound * start)
        return variable.clamp_min(0)


@register_attack("blur_multistep")  # paper App. C and Table XIV
class BlurMultistep(Blur):
    """Adversarial blur of several steps."""

    class Params(Blur.Params):
        """Arguments of `BlurMultistep`."""

        steps: int = Field(3, ge=1, strict=True, description="Steps of ascent.")

    params: Params
