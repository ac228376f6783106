"""Grad-BAT: training against adversarial blur; paper Eq. (6), three steps in Appendix C."""

from deepfake_adv.attacks.blur import Blur
from deepfake_adv.methods.gradient import GradientAttack
from deepfake_adv.methods.registry import register_method


@register_method("grad_bat")
class GradBat(GradientAttack):
    """Adversarial training with blur from the input gradient."""

    attack_type = Blur
    tiny = ({}, {"steps": 3}, {"clean": "instead"})

    class Params(GradientAttack.Params, Blur.Params):
        """Arguments of Grad-BAT."""
