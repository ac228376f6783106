"""Detectors by name.

A detector is one file: the class, its `Params` and ``@register_detector("name")``. A run imports only its own detector:
timm takes three seconds to import, and `compact` does not need it.
"""

from collections.abc import Callable
from typing import Any, Final

from deepfake_adv.detectors.base import Detector
from deepfake_adv.registry import Registry
from deepfake_adv.suggestions import did_you_mean

TIMM_PREFIX: Final = "timm:"

DETECTORS: Final = Registry[Callable[..., Detector]]("detector")
register_detector = DETECTORS.register


def build_detector(name: str, **params: Any) -> Detector:
    """Build the detector ``name`` with the rest of its params entry as keywords.

    Args:
        name: A key of `DETECTORS`, or ``timm:<model>`` for any model of timm's.
        params: The entry's other keys.

    Raises:
        ValueError: If no detector has this name, or a param has a value that the detector refuses.
    """
    if name.startswith(TIMM_PREFIX):
        params = {**params, "model": name.removeprefix(TIMM_PREFIX)}
        return DETECTORS[TIMM_PREFIX](**params)
    if name not in DETECTORS:
        hint = did_you_mean(name, DETECTORS, f"Any model of timm's is '{TIMM_PREFIX}<model>'.")
        raise ValueError(f"detector must be one of {', '.join(DETECTORS)}; got {name!r}.{hint}")
    return DETECTORS[name](**params)
