"""Grad-AAT: training against additive perturbations; paper Eq. (1), three steps in Appendix C."""

from deepfake_adv.attacks.additive import Additive
from deepfake_adv.methods.gradient import GradientAttack
from deepfake_adv.methods.registry import made_of, register_method

register_method("grad_aat")(made_of(GradientAttack, Additive))
