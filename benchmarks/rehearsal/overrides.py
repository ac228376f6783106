"""What the rehearsal changes in profiles/paper.yaml: sizes alone. Runs, methods, parts and tables stay as they are."""

from collections.abc import Iterator, Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Any, Final

OVERRIDES: Final[dict[str, Any]] = {
    # no pretrained weights, and of each family of networks a small member at small images
    "*.pretrained": False,
    "*.weights": None,
    "*.image_size": 64,
    "detectors.efficientnet.model": "test_efficientnet",  # timm's own for tests, 0.4 million weights; B7: 66
    "detectors.tsn.frame.model": "test_efficientnet",
    "detectors.multi_attention.model": "tf_efficientnet_b0",  # as many stages as B4
    "detectors.xception.model": "legacy_xception_narrow",  # the package's own; timm has no small one
    "methods.*.generator.width": 8,
    # few short videos, two steps
    "datasets.*.frames.train": 6,
    "datasets.*.frames.val": 4,
    "datasets.*.frames.test": 4,
    "locate.every": 2,
    "train.batch_size": 4,
    "train.epochs": 1,
    "train.steps_per_epoch": 2,
    "evaluate.resamples": 50,
    "device.workers": 0,  # decode in the training process: starting eight more takes longer than all the steps
    # studies
    "attack.images.count": 2,
    "attack.images.image_size": 75,  # the smallest that Inception takes
    "attack.classifiers.*.image_size": 75,
    "robustness.frames": 2,
    "examples.count": 1,
}
"""Patterns of dotted keys -> value; `*` stands for any text, dots too, and a later pattern wins over an earlier one."""


def apply(params: MutableMapping[str, Any], overrides: Mapping[str, Any] = OVERRIDES) -> dict[str, Any]:
    """Override, in place, the keys that are no mappings themselves.

    Args:
        params: Content of a profile.
        overrides: See `OVERRIDES`.

    Returns:
        Dotted key -> value, of all that now differ.

    Raises:
        ValueError: If a pattern meets no key; names every such pattern.
    """
    keys = dict(_leaves(params))
    before = {key: section[last] for key, (section, last) in keys.items()}
    idle = [pattern for pattern in overrides if not any(fnmatchcase(key, pattern) for key in keys)]
    if idle:
        raise ValueError(
            f"each override of the rehearsal must name a key of the profile; got {', '.join(idle)}. "
            "Correct OVERRIDES in benchmarks/rehearsal/overrides.py."
        )
    for pattern, value in overrides.items():
        for key, (section, last) in keys.items():
            if fnmatchcase(key, pattern):
                section[last] = value
    return {key: section[last] for key, (section, last) in keys.items() if section[last] != before[key]}


def _leaves(section: MutableMapping[str, Any], above: str = "") -> Iterator[tuple[str, tuple[Any, str]]]:
    for name, value in section.items():
        if isinstance(value, MutableMapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", (section, name)
