"""Spatially transformed adversarial examples (stAdv; Xiao et al., 2018), paper Sec. III-A and row Grad-SAT."""

from pydantic import Field
from torch import Tensor

from deepfake_adv.attacks.ascent import Attack
from deepfake_adv.attacks.registry import register_attack
from deepfake_adv.ops.draws import Rng
from deepfake_adv.ops.precision import wide
from deepfake_adv.ops.warp import flow_smoothness, warp_flow


@register_attack("stadv")
class Spatial(Attack):
    """Pixels moved along a flow (B, 2, H, W), in pixels, bounded and smooth.

    Xiao et al. search with L-BFGS for the smallest flow that fools the model. Training needs only a few steps, so we
    use gradient ascent with a bound. Their smoothness penalty is averaged over the pixels here, so that ``tau`` does
    not depend on the image's size. At the start the flow is zero, and so is the penalty's gradient.
    """

    class Params(Attack.Params):
        """Arguments of `Spatial`; lengths are in pixels."""

        epsilon: float = Field(
            0.25, gt=0, description="Size of a step: the mean movement of a component under `relative`."
        )
        bound: float = Field(1.0, gt=0, description="Largest movement of a component.")
        tau: float = Field(0.05, ge=0, description="Weight of the smoothness penalty.")

    params: Params

    @property
    def size(self) -> float:
        return self.params.epsilon

    def initial(self, images: Tensor, rng: Rng) -> Tensor:
        return images.new_zeros((images.shape[0], 2, *images.shape[2:]), dtype=wide(images.dtype))

    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        return warp_flow(images, variable)

    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        return variable.clamp(-self.params.bound, self.params.bound)

    def penalty(self, variable: Tensor) -> Tensor | None:
        if self.params.tau == 0:
            return None
        return self.params.tau * flow_smoothness(variable) / (variable.shape[2] * variable.shape[3])
