"""Training on examples made from the input gradient, whatever is varied; paper Sec. III-A, B."""

from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import Attack, ascend
from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Method
from deepfake_adv.params.base import Section


class GradientAttack(Method):
    """Adversarial training with any attack of the one ascent engine, one step or many.

    Every image is attacked within its own bound and by its own loss, real or fake alike; the variable of
    one step is where the next starts. (In the release the fake half is bounded by the real images, and
    many steps start over from the first image each time.)

    A subclass names the attack and takes its arguments: ``class Params(GradientAttack.Params, Blur.Params)``.

    Attributes:
        attack_type: What is varied, its step rule, bound and start.
    """

    attack_type: ClassVar[type[Attack]]
    attacks = True

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.attack = make_attack(self.attack_type, self.params)

    def check_size(self, side: int) -> None:
        """Refuse what the attack cannot take."""
        self.attack.check_size(side, side)

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Attack every frame; masks follow the flow where the attack moves pixels."""
        result = ascend(self.attack, model, frames.images, frames.labels, rng=rng)
        masks = None if frames.masks is None else self.alter_masks(frames.masks, result.variable)
        return replace(frames, images=result.images, masks=masks)

    def alter_masks(self, masks: Tensor, variable: Tensor) -> Tensor:
        """Masks of the altered images: as they are, where the attack moves no pixel."""
        return masks


def make_attack(attack: type[Attack], params: Section) -> Attack:
    """The attack of a method that takes the attack's arguments among its own."""
    return attack(**{name: getattr(params, name) for name in attack.Params.model_fields})
