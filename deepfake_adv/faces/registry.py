"""The ways of finding faces, by name."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import did_you_mean

Locator = Callable[[NDArray[np.uint8]], list[FaceBox]]
"""Takes ``(H, W, 3)`` uint8 RGB; gives its faces, the most confident first."""

LOCATORS: Final = Registry[Callable[..., Locator]]("locator")
register_locator = LOCATORS.register


def build_locator(name: str, **options: Any) -> Locator:
    """The locator of that name.

    Raises:
        ValueError: If the name is unknown; suggests one that is near.
        FileNotFoundError: If its weights are not at hand.
        RuntimeError: If its package is not installed.
    """
    if name not in LOCATORS:
        hint = did_you_mean(name, LOCATORS, "Fix locate.backend in params.yaml.")
        raise ValueError(f"locator must be one of {', '.join(LOCATORS)}; got {name!r}.{hint}")
    return LOCATORS[name](**options)
