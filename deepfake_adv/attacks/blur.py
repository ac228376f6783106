"""Adversarial blurring, paper Sec. III-B: each pixel's Gaussian is the variable."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor

from deepfake_adv.attacks.engine import Attack, StepRule
from deepfake_adv.attacks.registry import register_attack
from deepfake_adv.attacks.values import check_positive
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.draws import Rng
from deepfake_adv.ops.precision import wide


@register_attack("blur")  # row Grad-BAT and Tables VII, XII and XIII
@dataclass(frozen=True, kw_only=True)
class Blur(Attack):
    """Pixel-wise blurring ascended over the map ``inverse_sigma`` (B, 1, H, W); paper Eq. (6).

    The variable is 1/sigma (Sec. IV), one channel for all colours, never below 0. Eq. (6)'s raw step has no scale
    of its own and changes hardly anything at the paper's epsilon, so that the default step is relative to the
    start: epsilon x start x gradient / mean |gradient| per image. ``rule="raw"`` is the paper's reading.

    Attributes:
        epsilon: Size of a step: in units of the start under ``relative``, otherwise in 1/pixels, and under ``raw``
            times the gradient.
        start: Every entry's first value, 1/pixels (1: sigma = 1).
        kernel_size: Window width in pixels, odd.
        bound: Largest change of an entry in units of the start, or None; every step counts towards it.
    """

    epsilon: float = 0.2
    start: float = 1.0
    kernel_size: int = 9
    bound: float | None = None
    rule: str = StepRule.RELATIVE

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("epsilon", self.epsilon)
        check_positive("start", self.start)
        check_kernel_size(self.kernel_size)
        if self.bound is not None:
            check_positive("bound", self.bound)

    @property
    def size(self) -> float:
        return self.epsilon

    @property
    def scale(self) -> float:
        return self.start

    def check_size(self, height: int, width: int) -> None:
        check_kernel_size(self.kernel_size, height, width)

    def initial(self, images: Tensor, generator: Rng) -> Tensor:
        # Maps below float32 would round the small steps away.
        return images.new_full((images.shape[0], 1, *images.shape[2:]), self.start, dtype=wide(images.dtype))

    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        return blur_pixelwise(images, variable, kernel_size=self.kernel_size)

    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        if self.bound is not None:
            reach = self.bound * self.start
            variable = variable.clamp(self.start - reach, self.start + reach)
        return variable.clamp_min(0)


register_attack("blur_multistep")(partial(Blur, steps=3))  # paper App. C and Table XIV
