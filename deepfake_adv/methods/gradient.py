"""Training on examples made from the input gradient, for any variable; paper Sec. III-A, B."""

from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import Attack, ascend
from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Method
from deepfake_adv.params.base import Section


class GradientAttack(Method):
    """Adversarial training with any attack, of one step or many.

    Every image, real or fake, is attacked within its own bound and by its own loss, and each step starts from the last
    one's variable. (In the release the fake half is bounded by the real images, and each of many steps starts from the
    original image again.)

    A subclass names the attack and takes its arguments: ``class Params(GradientAttack.Params, Blur.Params)``. Each
    stays a file of its own: a run depends on the code of its own attack only, so an edit of one retrains no other.

    Attributes:
        attack_type: The attack: its variable, step rule, bound and start.
    """

    attack_type: ClassVar[type[Attack]]
    attacks = True

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.attack = make_attack(self.attack_type, self.params)

    def check_size(self, side: int) -> None:
        """Check the size for the attack."""
        self.attack.check_size(side, side)

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Attack every frame; masks move with the pixels."""
        result = ascend(self.attack, model, frames.images, frames.labels, rng=rng)
        masks = None if frames.masks is None else self.alter_masks(frames.masks, result.variable)
        return replace(frames, images=result.images, masks=masks)

    def alter_masks(self, masks: Tensor, variable: Tensor) -> Tensor:
        """Masks of the altered images; unchanged unless the attack moves pixels."""
        return masks


def make_attack(attack: type[Attack], params: Section) -> Attack:
    """Build an attack from a method's params, which include the attack's."""
    return attack(**{name: getattr(params, name) for name in attack.Params.model_fields})
