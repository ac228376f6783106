"""Grad-BAT: training against adversarial blur; paper Eq. (6), three steps in Appendix C."""

from deepfake_adv.attacks.blur import Blur
from deepfake_adv.methods.gradient import GradientAttack
from deepfake_adv.methods.registry import made_of, register_method

register_method("grad_bat")(made_of(GradientAttack, Blur))
