"""Spatially transformed adversarial examples (stAdv; Xiao et al., 2018), paper Sec. III-A and row Grad-SAT."""

from dataclasses import dataclass

from torch import Tensor

from deepfake_adv.attacks.engine import Attack, StepRule
from deepfake_adv.attacks.registry import register_attack
from deepfake_adv.attacks.values import check_positive
from deepfake_adv.ops.draws import Rng
from deepfake_adv.ops.precision import wide
from deepfake_adv.ops.warp import flow_smoothness, warp_flow


@register_attack("stadv")
@dataclass(frozen=True, kw_only=True)
class Spatial(Attack):
    """Pixels fetched along a flow (B, 2, H, W), in pixels, kept small and smooth.

    Xiao et al. search with L-BFGS for each image's least flow that fools the model; training needs a few steps
    only, so that we ascend with a bound. Their smoothness penalty is averaged over the pixels here, so that
    ``tau`` does not depend on the image's size; its gradient is zero at the start, where the flow is.

    Attributes:
        epsilon: Size of a step in pixels: the mean movement of a component under ``relative``.
        bound: Largest movement of a component, in pixels.
        tau: Weight of the smoothness penalty.
    """

    epsilon: float = 0.25
    bound: float = 1.0
    tau: float = 0.05
    rule: str = StepRule.RELATIVE

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("epsilon", self.epsilon)
        check_positive("bound", self.bound)
        check_positive("tau", self.tau, zero=True)

    @property
    def size(self) -> float:
        return self.epsilon

    def initial(self, images: Tensor, generator: Rng) -> Tensor:
        return images.new_zeros((images.shape[0], 2, *images.shape[2:]), dtype=wide(images.dtype))

    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        return warp_flow(images, variable)

    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        return variable.clamp(-self.bound, self.bound)

    def penalty(self, variable: Tensor) -> Tensor | None:
        if self.tau == 0:
            return None
        return self.tau * flow_smoothness(variable) / (variable.shape[2] * variable.shape[3])
