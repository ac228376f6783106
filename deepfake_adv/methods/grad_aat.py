"""Grad-AAT: training against additive perturbations; paper Eq. (1), three steps in Appendix C."""

from deepfake_adv.attacks.additive import Additive
from deepfake_adv.methods.gradient import GradientAttack
from deepfake_adv.methods.registry import register_method


@register_method("grad_aat")
class GradAat(GradientAttack):
    """Adversarial training with additive perturbations."""

    attack_type = Additive
    tiny = ({}, {"steps": 3, "random_start": True})

    class Params(GradientAttack.Params, Additive.Params):
        """Arguments of Grad-AAT."""
