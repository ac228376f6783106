"""Methods by name: one entry is one table row.

A method is one file: the class, its `Params` and ``@register_method("name")``. A run imports only its own method and
that method's libraries.
"""

from typing import Any, Final

import torch

from deepfake_adv.methods.base import Method
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import check_keywords, did_you_mean

METHODS: Final = Registry[type[Method]]("method")
register_method = METHODS.register


def build_method(name: str, *, seed: int | None = None, **params: Any) -> Method:
    """Make a method by name.

    Args:
        name: Key of `METHODS`.
        seed: Seed of the initial weights; torch's global random state does not change. None: weights are drawn from
            the global random state.
        params: Fields of the method's `Params`; others have their defaults.

    Raises:
        ValueError: If the name or an argument is unknown, or a value is out of range.
    """
    if name not in METHODS:
        hint = did_you_mean(name, METHODS, "Name one of them.")
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {name!r}.{hint}")
    method = METHODS[name]
    check_keywords(f"params of the method {name}", params, method.Params.model_fields)
    if seed is None:
        return method(**params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return method(**params)
