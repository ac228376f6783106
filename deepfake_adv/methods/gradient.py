"""Training on examples made from the input gradient, whatever is varied; paper Sec. III-A, B."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from deepfake_adv.attacks.engine import Attack, ascend
from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Clean, Method


class GradientAttack(Method):
    """Adversarial training with any attack of the one ascent engine, one step or many.

    Every image is attacked within its own bound and by its own loss, real or fake alike; the variable of
    one step is where the next starts. (In the release the fake half is bounded by the real images, and
    many steps start over from the first image each time.)

    Args:
        attack: What is varied, its step rule, bound and start.
        lam: See `Method`.
        clean: See `Method`.
    """

    def __init__(self, attack: Attack, *, lam: float = 1.0, clean: Clean = "with") -> None:
        super().__init__(lam=lam, clean=clean)
        self.attack = attack

    def check_size(self, side: int) -> None:
        """Refuse what the attack cannot take."""
        self.attack.check_size(side, side)

    def alter(self, model: nn.Module, frames: Batch, generator: torch.Generator) -> Batch:
        """Attack every frame; masks follow the flow where the attack moves pixels."""
        result = ascend(self.attack, model, frames.images, frames.labels, generator=generator)
        masks = None if frames.masks is None else self.alter_masks(frames.masks, result.variable)
        return replace(frames, images=result.images, masks=masks)

    def alter_masks(self, masks: Tensor, variable: Tensor) -> Tensor:
        """Masks of the altered images: as they are, where the attack moves no pixel."""
        return masks
