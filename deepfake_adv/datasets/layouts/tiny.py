"""A dataset in miniature: what a layout writes for the tests that every layout passes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from deepfake_adv.names import REAL

PAIRS: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "train": [["000", "001"], ["002", "003"]],
    "val": [["004", "005"]],
    "test": [["006", "007"]],
}
"""Identities that are swapped with each other, by split, for layouts in FaceForensics++'s manner."""


class Tiny(NamedTuple):
    """What was written, as params would name it, and what the layout must find in it.

    Attributes:
        videos: ``<forgery or real>/<name>`` to split, target and source: all that is to be found at the quality.
        forgeries: Of the dataset in params.
        options: Of the dataset in params.
        quality: Of the part in params.
    """

    videos: Mapping[str, tuple[str, str, str]]
    forgeries: Sequence[str]
    options: Mapping[str, Any]
    quality: str


def put(root: Path, paths: Iterable[str]) -> None:
    """Write an empty file for each video or picture; a test that reads them fills them by their suffix."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def write(path: Path, content: Any) -> None:
    """Write a list that ships with a dataset: lines of text, or what is to be JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def swaps(forgeries: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """What `PAIRS` promise: every identity as it is, and with its partner's face by each forgery."""
    found: dict[str, tuple[str, str, str]] = {}
    for split, pairs in PAIRS.items():
        for target, source in (order for pair in pairs for order in (pair, pair[::-1])):
            found[f"{REAL}/{target}"] = (split, target, "")
            found |= {f"{forgery}/{target}_{source}": (split, target, source) for forgery in forgeries}
    return found
