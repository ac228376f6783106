"""Attacks by name."""

from typing import Any, Final

from deepfake_adv.attacks.ascent import Attack
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import check_keywords, did_you_mean

ATTACKS: Final = Registry[type[Attack]]("attack")
register_attack = ATTACKS.register


def build_attack(name: str, **params: Any) -> Attack:
    """Build an attack by its name.

    Raises:
        ValueError: If there is no such attack, or it has no such parameter, or a parameter's value is wrong.
    """
    if name not in ATTACKS:
        hint = did_you_mean(name, ATTACKS, "Name one of them.")
        raise ValueError(f"attack must be one of {', '.join(ATTACKS)}; got {name!r}.{hint}")
    attack = ATTACKS[name]
    check_keywords(f"params of the attack {name}", params, attack.Params.model_fields)
    return attack(**params)
