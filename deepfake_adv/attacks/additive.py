"""Perturbations of the pixels within an L-infinity ball: FGSM, its iterations and PGD."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from deepfake_adv.attacks.ascent import Attack
from deepfake_adv.attacks.registry import register_attack
from deepfake_adv.ops.draws import Rng, uniform
from deepfake_adv.params.base import Rule


@register_attack("fgsm")  # rows Grad-AAT and FGSM of Table VII
class Additive(Attack):
    """Pixels change by at most ``epsilon``, within [0, 1]; paper Eq. (1). The variable is the image itself."""

    tiny = ({"epsilon": 8 / 255},)

    class Params(Attack.Params):
        """Arguments of `Additive`; pixels are in [0, 1]."""

        epsilon: float = Field(1 / 255, gt=0, description="Largest change of a pixel.")
        step_size: float | None = Field(
            None, gt=0, description="Size of a step; null: epsilon / steps, which just reaches the largest change."
        )
        random_start: bool = Field(False, description="Start at a random point within epsilon.")
        rule: Rule = Field("sign", description="How a gradient becomes a step: raw, relative, sign or l2.")

    params: Params

    @property
    def size(self) -> float:
        return self.params.epsilon / self.params.steps if self.params.step_size is None else self.params.step_size

    def initial(self, images: Tensor, rng: Rng) -> Tensor:
        if not self.params.random_start:
            return images
        return images + (2 * uniform(images.shape, rng, images) - 1) * self.params.epsilon

    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        return variable

    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        return torch.clamp(variable, images - self.params.epsilon, images + self.params.epsilon).clamp(0, 1)


@register_attack("iterative_fgsm")  # paper App. C
class IterativeFgsm(Additive):
    """FGSM of several steps."""

    class Params(Additive.Params):
        """Arguments of `IterativeFgsm`."""

        steps: int = Field(3, ge=1, strict=True, description="Steps of ascent.")

    params: Params


@register_attack("pgd")
class Pgd(IterativeFgsm):
    """Projected gradient descent; paper Table XIV (three steps).

    The default step is 2.5 epsilon / steps, so that any point of the ball can be reached from any start.
    """

    class Params(IterativeFgsm.Params):
        """Arguments of `Pgd`."""

        step_size: float | None = Field(None, gt=0, description="Size of a step; null: 2.5 epsilon / steps.")
        random_start: bool = Field(True, description="Start at a random point within epsilon.")
        rule: Literal["sign"] = Field("sign", description="PGD goes along the gradient's sign.")

    params: Params

    @property
    def size(self) -> float:
        given = self.params.step_size
        return 2.5 * self.params.epsilon / self.params.steps if given is None else given
