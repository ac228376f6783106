"""Detectors by name.

A detector is one file: the class, its `Params` and ``@register_detector("name")``. A run imports only its own detector:
timm takes three seconds to import, and `compact` does not need it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.initial import names_tensors, start_from
from deepfake_adv.registry import ANY, PY, Registry, entry_of
from deepfake_adv.suggestions import did_you_mean

TIMM_PREFIX: Final = "timm:"

DETECTORS: Final = Registry[Callable[..., Detector]]("detector")
register_detector = DETECTORS.register


def build_detector(name: str, **params: Any) -> Detector:
    """Build the detector ``name`` with the rest of its params entry as keywords.

    Args:
        name: A key of `DETECTORS`, ``timm:<model>`` for any model of timm's, or ``py:<module>:<factory>`` for one from
            a file of the user's own.
        params: The entry's other keys.

    Raises:
        FileNotFoundError: If there is no file at `weights`.
        ValueError: If no detector has this name, or a param has a value that the detector refuses.
    """
    registered = entry_of(name, DETECTORS.names())
    if registered is None:
        ways = f"Any model of timm's is '{TIMM_PREFIX}<model>', one of your own file '{PY}<module>:<factory>'."
        raise ValueError(
            f"detector must be one of {', '.join(DETECTORS)}; got {name!r}.{did_you_mean(name, DETECTORS, ways)}"
        )
    if registered.endswith(ANY):
        params = {**params, "model": name.removeprefix(registered)}
    detector = DETECTORS[registered](**params)
    weights = params.get("weights")
    if weights is not None and names_tensors(weights):
        # A timm model has read its part already, which may go by older names; what else is in the file follows here.
        start_from(detector, Path(weights), complete="pretrained" not in params)
    return detector
