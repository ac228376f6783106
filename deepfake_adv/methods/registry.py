"""Methods by name: one entry is one table row.

Keyword arguments are the keys of the method's entry in params.yaml; their defaults are the paper's values, or
where it has none those of the demo profile. A run imports its own method alone, and waits for no other's libraries.
"""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, Final

import torch

from deepfake_adv.hints import check_keywords, did_you_mean
from deepfake_adv.methods.base import Method
from deepfake_adv.registry import Registry

METHODS: Final = Registry[Callable[..., Method]]("method")
register_method = METHODS.register


def made_of(method: Callable[..., Method], part: Callable[..., Any]) -> Callable[..., Method]:
    """A method made of one part, its first argument; takes the keyword arguments of both, and says so."""
    own, others = (_keywords(each) for each in (part, method))

    def build(**params: Any) -> Method:
        made = part(**{name: value for name, value in params.items() if name in own})
        return method(made, **{name: value for name, value in params.items() if name not in own})

    build.__signature__ = Signature([*own.values(), *others.values()])  # type: ignore[attr-defined]
    return build


def _keywords(made: Any) -> dict[str, Parameter]:
    """Keyword arguments of a constructor, with those that a class hands on, as ``**``, to the one it extends."""
    given = signature(made).parameters
    handed_on = any(each.kind is Parameter.VAR_KEYWORD for each in given.values())
    own = {name: each for name, each in given.items() if each.kind is Parameter.KEYWORD_ONLY}
    return {**own, **(_keywords(made.__base__) if handed_on else {})}


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
        hint = did_you_mean(name, METHODS, "Name one of them.")
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {name!r}.{hint}")
    method = METHODS[name]
    check_keywords(f"params of the method {name}", params, signature(method).parameters)
    if seed is None:
        return method(**params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return method(**params)
