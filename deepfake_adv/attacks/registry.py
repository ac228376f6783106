"""The attacks by name; a name decides the variable and the default number of steps."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from deepfake_adv.attacks.additive import Additive, pgd
from deepfake_adv.attacks.blur import Blur
from deepfake_adv.attacks.engine import Attack
from deepfake_adv.attacks.spatial import Spatial
from deepfake_adv.hints import check_keywords, did_you_mean

ATTACKS: Final[Mapping[str, Callable[..., Attack]]] = MappingProxyType(
    {
        "fgsm": Additive,  # paper Eq. (1), rows Grad-AAT and FGSM of Table VII
        "iterative_fgsm": partial(Additive, steps=3),  # App. C
        "pgd": pgd,  # Table XIV
        "stadv": Spatial,  # row Grad-SAT
        "blur": Blur,  # Eq. (6), row Grad-BAT and Tables VII, XII and XIII
        "blur_multistep": partial(Blur, steps=3),  # App. C and Table XIV
    }
)


def build_attack(name: str, **params: Any) -> Attack:
    """Build an attack by its name.

    Raises:
        ValueError: If there is no such attack, or it has no such parameter, or a parameter's value is wrong.
    """
    if name not in ATTACKS:
        hint = did_you_mean(name, ATTACKS, "Name one of them.")
        raise ValueError(f"attack must be one of {', '.join(ATTACKS)}; got {name!r}.{hint}")
    constructor = ATTACKS[name]
    check_keywords(f"params of the attack {name}", params, inspect.signature(constructor).parameters)
    return constructor(**params)
