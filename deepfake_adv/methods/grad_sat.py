"""Grad-SAT: training against spatial transformations; paper Sec. III-A."""

from torch import Tensor

from deepfake_adv.attacks.spatial import Spatial
from deepfake_adv.methods.gradient import GradientAttack
from deepfake_adv.methods.registry import register_method
from deepfake_adv.ops.warp import warp_flow


@register_method("grad_sat")
class GradSat(GradientAttack):
    """Adversarial training with a flow; masks are moved along it."""

    attack_type = Spatial

    class Params(GradientAttack.Params, Spatial.Params):
        """Arguments of Grad-SAT."""

    def alter_masks(self, masks: Tensor, variable: Tensor) -> Tensor:
        """Masks moved along the images' flow."""
        return warp_flow(masks, variable).clamp(0, 1)
