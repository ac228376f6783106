"""Methods by name: one entry is one table row.

Every constructor imports its own files when called, so that a run waits for no other method's libraries.
Keyword arguments are the keys of the method's entry in params.yaml; their defaults are the paper's values, or
where it has none those of the demo profile.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any, Final

import torch

from deepfake_adv.methods.base import Clean, Method


def _baseline() -> Method:
    from deepfake_adv.methods.baseline import Baseline

    return Baseline()


def _grad_aat(
    *,
    epsilon: float = 1 / 255,
    steps: int = 1,
    step_size: float | None = None,
    random_start: bool = False,
    rule: str = "sign",
    lam: float = 1.0,
    clean: Clean = "with",
) -> Method:
    """Grad-AAT, paper Eq. (1); three steps in Appendix C. Pixels in [0, 1]."""
    from deepfake_adv.attacks.additive import Additive
    from deepfake_adv.methods.gradient import GradientAttack

    attack = Additive(epsilon=epsilon, steps=steps, step_size=step_size, random_start=random_start, rule=rule)
    return GradientAttack(attack, lam=lam, clean=clean)


def _grad_sat(
    *,
    epsilon: float = 0.25,
    steps: int = 1,
    bound: float = 1.0,
    tau: float = 0.05,
    rule: str = "relative",
    lam: float = 1.0,
    clean: Clean = "with",
) -> Method:
    """Grad-SAT, paper Sec. III-A. Lengths in pixels."""
    from deepfake_adv.attacks.spatial import Spatial
    from deepfake_adv.methods.gradient import GradientAttack

    attack = Spatial(epsilon=epsilon, steps=steps, bound=bound, tau=tau, rule=rule)
    return GradientAttack(attack, lam=lam, clean=clean)


def _grad_bat(
    *,
    epsilon: float = 0.2,
    steps: int = 1,
    start: float = 1.0,
    bound: float | None = None,
    rule: str = "relative",
    kernel_size: int = 9,
    lam: float = 1.0,
    clean: Clean = "with",
) -> Method:
    """Grad-BAT, paper Eq. (6); three steps in Appendix C. ``start`` in 1/pixels."""
    from deepfake_adv.attacks.blur import Blur
    from deepfake_adv.methods.gradient import GradientAttack

    attack = Blur(epsilon=epsilon, steps=steps, start=start, bound=bound, rule=rule, kernel_size=kernel_size)
    return GradientAttack(attack, lam=lam, clean=clean)


def _gen_bat(**params: Any) -> Method:
    """Gen-BAT, paper Eq. (7)."""
    from deepfake_adv.methods.generative import GenerativeBlur

    return GenerativeBlur(both=False, **params)


def _two_gen_bat(**params: Any) -> Method:
    """Two-Gen-BAT, paper Sec. III-C."""
    from deepfake_adv.methods.generative import GenerativeBlur

    return GenerativeBlur(both=True, **params)


def _combined_at(
    *,
    epsilon: float = 1 / 255,
    steps: int = 1,
    step_size: float | None = None,
    random_start: bool = False,
    rule: str = "sign",
    **params: Any,
) -> Method:
    """Combined AT, paper Fig. 3."""
    from deepfake_adv.attacks.additive import Additive
    from deepfake_adv.methods.combined import CombinedAttack

    attack = Additive(epsilon=epsilon, steps=steps, step_size=step_size, random_start=random_start, rule=rule)
    return CombinedAttack(attack, **params)


def _gaussian_noise(
    *,
    probability: float = 0.5,
    variance: Sequence[float] = (0.0, 30.0),
    mean: float = 0.0,
    lam: float = 1.0,
    clean: Clean = "instead",
) -> Method:
    """Gaussian noise, paper Appendix E; 8-bit levels."""
    from deepfake_adv.methods.traditional import Traditional, noise

    return Traditional([noise(probability, variance, mean)], lam=lam, clean=clean)


def _gaussian_blur(
    *,
    probability: float = 0.5,
    variance: Sequence[float] = (0.0, 30.0),
    kernel_size: int = 9,
    lam: float = 1.0,
    clean: Clean = "instead",
) -> Method:
    """Gaussian blur, paper Appendix E (which leaves the probability open); pixels."""
    from deepfake_adv.methods.traditional import Traditional, blur

    return Traditional([blur(probability, variance, kernel_size)], lam=lam, clean=clean)


def _jpeg(
    *,
    probability: float = 0.5,
    quality: Sequence[float] = (60, 100),
    lam: float = 1.0,
    clean: Clean = "instead",
) -> Method:
    """JPEG, paper Appendix E (which leaves the probability open)."""
    from deepfake_adv.methods.traditional import Traditional, compression

    return Traditional([compression(probability, quality)], lam=lam, clean=clean)


def _combined_traditional(
    *,
    noise: Mapping[str, Any] | None = None,
    blur: Mapping[str, Any] | None = None,
    jpeg: Mapping[str, Any] | None = None,
    lam: float = 1.0,
    clean: Clean = "instead",
) -> Method:
    """Blur, noise and JPEG in the order in which a camera's pictures meet them; the paper names no order."""
    parts = [_gaussian_blur(**(blur or {})), _gaussian_noise(**(noise or {})), _jpeg(**(jpeg or {}))]
    from deepfake_adv.methods.traditional import Traditional

    row = [step for part in parts if isinstance(part, Traditional) for step in part.augmentations]
    return Traditional(row, lam=lam, clean=clean)


def _sladd(**params: Any) -> Method:
    """Self-supervised adversarial forgeries (Chen et al., CVPR 2022)."""
    from deepfake_adv.methods.sladd.method import Sladd

    return Sladd(**params)


METHODS: Final[Mapping[str, Callable[..., Method]]] = MappingProxyType(
    {
        "baseline": _baseline,
        "grad_aat": _grad_aat,
        "grad_sat": _grad_sat,
        "grad_bat": _grad_bat,
        "gen_bat": _gen_bat,
        "two_gen_bat": _two_gen_bat,
        "combined_at": _combined_at,
        "gaussian_noise": _gaussian_noise,
        "gaussian_blur": _gaussian_blur,
        "jpeg": _jpeg,
        "combined_traditional": _combined_traditional,
        "sladd": _sladd,
    }
)


def build_method(name: str, *, seed: int | None = None, **params: Any) -> Method:
    """Make a method by name.

    Args:
        name: Key of `METHODS`.
        seed: Seed of the players' first weights; torch's global generator is left as found. None: the
            weights come from that generator.
        params: The method's arguments.

    Raises:
        ValueError: If the name or an argument is unknown, or a value is out of range.
    """
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {name!r}.{_hint(name, METHODS)}")
    if seed is None:
        return METHODS[name](**params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return METHODS[name](**params)


def _hint(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else " Rename it to one of these."
