"""Grad-SAT: training against spatial transformations; paper Sec. III-A."""

from torch import Tensor

from deepfake_adv.attacks.spatial import Spatial
from deepfake_adv.methods.base import Clean
from deepfake_adv.methods.gradient import GradientAttack
from deepfake_adv.methods.registry import made_of, register_method
from deepfake_adv.ops.warp import warp_flow


class SpatialTraining(GradientAttack):
    """Adversarial training with a flow, which masks follow.

    Args:
        attack: Step rule, bound and smoothness.
        lam: See `Method`.
        clean: See `Method`.
    """

    def __init__(self, attack: Spatial, *, lam: float = 1.0, clean: Clean = "with") -> None:
        super().__init__(attack, lam=lam, clean=clean)

    def alter_masks(self, masks: Tensor, variable: Tensor) -> Tensor:
        """Masks fetched along the images' flow."""
        return warp_flow(masks, variable).clamp(0, 1)


register_method("grad_sat")(made_of(SpatialTraining, Spatial))
