"""The attacks by name."""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from deepfake_adv.attacks.additive import fgsm, iterative_fgsm, pgd
from deepfake_adv.attacks.blur import blur, blur_multistep
from deepfake_adv.attacks.engine import Attack
from deepfake_adv.attacks.spatial import stadv

ATTACKS: Mapping[str, Callable[..., Attack]] = MappingProxyType(
    {
        "fgsm": fgsm,
        "iterative_fgsm": iterative_fgsm,
        "pgd": pgd,
        "stadv": stadv,
        "blur": blur,
        "blur_multistep": blur_multistep,
    }
)


def build_attack(name: str, **params: Any) -> Attack:
    """Build an attack by its name.

    Raises:
        ValueError: If there is no such attack, or it has no such parameter, or a parameter's value is wrong.
    """
    if name not in ATTACKS:
        raise ValueError(f"attack must be one of {', '.join(ATTACKS)}; got {name!r}. {_hint(name, ATTACKS)}")
    constructor = ATTACKS[name]
    known = inspect.signature(constructor).parameters
    for param in params:
        if param not in known:
            raise ValueError(
                f"params of the attack {name} must be among {', '.join(known)}; got {param!r}. {_hint(param, known)}"
            )
    return constructor(**params)


def _hint(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else "Choose one of them."
