"""Combined AT: the generators' blur, then the gradient's additive perturbation; paper Fig. 3."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from deepfake_adv.attacks.additive import Additive
from deepfake_adv.attacks.ascent import ascend
from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.generative import GenerativeBlur
from deepfake_adv.methods.gradient import make_attack
from deepfake_adv.methods.registry import register_method


@register_method("combined_at")  # paper Fig. 3
class CombinedAttack(GenerativeBlur):
    """Two-Gen-BAT's image with an additive perturbation from the input gradient at that image.

    The generators train as in Two-Gen-BAT: on the blurred image, before the additive perturbation. Under
    ``update="reversal"`` the perturbation is a constant for their gradient.
    """

    both = True

    class Params(GenerativeBlur.Params, Additive.Params):
        """Arguments of Combined AT: the game's and the additive attack's."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.attack = make_attack(Additive, self.params)

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Blur every frame, then attack the blurred frame."""
        blurred = super().alter(model, frames, rng)
        start = blurred.images.detach()
        attacked = ascend(self.attack, model, start, frames.labels, rng=rng).images
        return replace(blurred, images=blurred.images + (attacked - start) if self.joint else attacked)
