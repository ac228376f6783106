"""Methods by name: one entry is one table row.

Every constructor imports its own files when called, so that a run waits for no other method's libraries.
Keyword arguments are the keys of the method's entry in params.yaml; their defaults are the paper's values, or
where it has none those of the demo profile.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import torch

from deepfake_adv.methods.base import Clean, Method, Update

if TYPE_CHECKING:
    from deepfake_adv.methods.traditional import Traditional


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


def _generative(
    both: bool,
    /,
    *,
    kernel_size: int = 9,
    generator: Mapping[str, Any] | None = None,
    adversary_steps: int = 1,
    update: Update = "alternating",
    lam: float = 1.0,
    clean: Clean = "with",
) -> Method:
    """Gen-BAT and Two-Gen-BAT, paper Eq. (7) and Sec. III-C."""
    from deepfake_adv.methods.generative import GenerativeBlur

    return GenerativeBlur(
        both=both,
        kernel_size=kernel_size,
        generator=generator,
        adversary_steps=adversary_steps,
        update=update,
        lam=lam,
        clean=clean,
    )


def _combined_at(
    *,
    epsilon: float = 1 / 255,
    steps: int = 1,
    step_size: float | None = None,
    random_start: bool = False,
    rule: str = "sign",
    kernel_size: int = 9,
    generator: Mapping[str, Any] | None = None,
    adversary_steps: int = 1,
    update: Update = "alternating",
    lam: float = 1.0,
    clean: Clean = "with",
) -> Method:
    """Combined AT, paper Fig. 3."""
    from deepfake_adv.attacks.additive import Additive
    from deepfake_adv.methods.combined import CombinedAttack

    attack = Additive(epsilon=epsilon, steps=steps, step_size=step_size, random_start=random_start, rule=rule)
    return CombinedAttack(
        attack,
        kernel_size=kernel_size,
        generator=generator,
        adversary_steps=adversary_steps,
        update=update,
        lam=lam,
        clean=clean,
    )


def _gaussian_noise(
    *,
    probability: float = 0.5,
    variance: Sequence[float] = (0.0, 30.0),
    mean: float = 0.0,
    lam: float = 1.0,
    clean: Clean = "instead",
) -> "Traditional":
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
) -> "Traditional":
    """Gaussian blur, paper Appendix E (which leaves the probability open); pixels."""
    from deepfake_adv.methods.traditional import Traditional, blur

    return Traditional([blur(probability, variance, kernel_size)], lam=lam, clean=clean)


def _jpeg(
    *,
    probability: float = 0.5,
    quality: Sequence[float] = (60, 100),
    lam: float = 1.0,
    clean: Clean = "instead",
) -> "Traditional":
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
    from deepfake_adv.methods.traditional import Traditional

    parts = [_gaussian_blur(**(blur or {})), _gaussian_noise(**(noise or {})), _jpeg(**(jpeg or {}))]
    return Traditional([step for part in parts for step in part.augmentations], lam=lam, clean=clean)


def _sladd(
    *,
    synthesizer: Mapping[str, Any] | None = None,
    weights: Mapping[str, float] | None = None,
    margin: float = 0.45,
    scale: float = 30.0,
    entropy_weight: float = 1e-5,
    flip: bool = True,
    adversary_steps: int = 1,
    update: Literal["alternating", "joint"] = "joint",
    lam: float = 1.0,
    clean: Clean = "instead",
) -> Method:
    """Self-supervised adversarial forgeries (Chen et al., CVPR 2022)."""
    from deepfake_adv.methods.sladd.method import Sladd

    return Sladd(
        synthesizer=synthesizer,
        weights=weights,
        margin=margin,
        scale=scale,
        entropy_weight=entropy_weight,
        flip=flip,
        adversary_steps=adversary_steps,
        update=update,
        lam=lam,
        clean=clean,
    )


METHODS: Final[Mapping[str, Callable[..., Method]]] = MappingProxyType(
    {
        "baseline": _baseline,
        "grad_aat": _grad_aat,
        "grad_sat": _grad_sat,
        "grad_bat": _grad_bat,
        "gen_bat": partial(_generative, False),
        "two_gen_bat": partial(_generative, True),
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
    known = list(signature(METHODS[name]).parameters)
    for param in params:
        if param not in known:
            takes = f"among {', '.join(known)}" if known else "left out"
            raise ValueError(f"params of the method {name} must be {takes}; got {param!r}.{_hint(param, known)}")
    if seed is None:
        return METHODS[name](**params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return METHODS[name](**params)


def _hint(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else " Rename or remove it."
