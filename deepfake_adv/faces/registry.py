"""Face locators by name.

A locator is one file: the class, its `Params` and ``@register_locator("name")``.
"""

from typing import Any, Final

from deepfake_adv.faces.base import Locator
from deepfake_adv.faces.size import MAX_PIXELS
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import check_keywords, did_you_mean

LOCATORS: Final = Registry[type[Locator]]("locator")
register_locator = LOCATORS.register


def build_locator(name: str, *, scale: float = 1.0, max_pixels: int = MAX_PIXELS, **params: Any) -> Locator:
    """The locator of that name.

    Args:
        name: Key of `LOCATORS`.
        scale: Factor by which a picture is scaled first.
        max_pixels: A larger picture is first shrunk to this area.
        params: Fields of the locator's `Params`; what is left out has its default.

    Raises:
        ValueError: If the name or an argument is unknown, or a value is out of range; suggests what is near.
        FileNotFoundError: If its weights are missing.
        RuntimeError: If its package is not installed.
    """
    if name not in LOCATORS:
        hint = did_you_mean(name, LOCATORS, "Fix locate.backend in params.yaml.")
        raise ValueError(f"locator must be one of {', '.join(LOCATORS)}; got {name!r}.{hint}")
    locator = LOCATORS[name]
    check_keywords(f"params of the locator {name}", params, locator.Params.model_fields)
    return locator(scale=scale, max_pixels=max_pixels, **params)
