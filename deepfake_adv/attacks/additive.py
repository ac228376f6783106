"""Perturbations of the pixels within an L-infinity ball: FGSM, its iterations and PGD."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from deepfake_adv.attacks.engine import Attack, StepRule
from deepfake_adv.attacks.registry import register_attack
from deepfake_adv.attacks.values import check_positive
from deepfake_adv.ops.draws import Rng, uniform


@register_attack("fgsm")  # rows Grad-AAT and FGSM of Table VII
@dataclass(frozen=True, kw_only=True)
class Additive(Attack):
    """Pixels moved by at most ``epsilon`` each, within [0, 1]; paper Eq. (1). The variable is the image itself.

    Attributes:
        epsilon: Radius of the ball around each image's own pixels, in units of the pixel range [0, 1].
        step_size: Size of a step; None: epsilon / steps, which just reaches the ball's border.
        random_start: Whether to start at a random point of the ball.
    """

    epsilon: float = 1 / 255
    step_size: float | None = None
    random_start: bool = False
    rule: str = StepRule.SIGN

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("epsilon", self.epsilon)
        if self.step_size is not None:
            check_positive("step_size", self.step_size)

    @property
    def size(self) -> float:
        return self.epsilon / self.steps if self.step_size is None else self.step_size

    def initial(self, images: Tensor, generator: Rng) -> Tensor:
        if not self.random_start:
            return images
        return images + (2 * uniform(images.shape, generator, images) - 1) * self.epsilon

    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        return variable

    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        return torch.clamp(variable, images - self.epsilon, images + self.epsilon).clamp(0, 1)


register_attack("iterative_fgsm")(partial(Additive, steps=3))  # paper App. C


@register_attack("pgd")
def pgd(
    *, epsilon: float = 1 / 255, steps: int = 3, step_size: float | None = None, random_start: bool = True
) -> Additive:
    """Build projected gradient descent; paper Table XIV (three steps).

    A step is 2.5 epsilon / steps unless given, so that any point of the ball can be reached from any start.
    """
    if step_size is None and isinstance(steps, int) and steps > 0:
        step_size = 2.5 * epsilon / steps
    return Additive(epsilon=epsilon, steps=steps, step_size=step_size, random_start=random_start)
