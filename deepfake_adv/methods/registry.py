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


def _gen_bat(**params: Any) -> Method:
    from deepfake_adv.methods.generative import GenerativeBlur

    return GenerativeBlur(both=False, **params)


def _two_gen_bat(**params: Any) -> Method:
    from deepfake_adv.methods.generative import GenerativeBlur

    return GenerativeBlur(both=True, **params)


METHODS: Final[Mapping[str, Callable[..., Method]]] = MappingProxyType(
    {
        "baseline": _baseline,
        "gen_bat": _gen_bat,
        "two_gen_bat": _two_gen_bat,
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
