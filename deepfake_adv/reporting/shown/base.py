"""What a figure of the report is: its section of the page, and how it is drawn from what was measured."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from deepfake_adv.names import Condition, Forgery, Quality

LINES: Final = 7  # in one figure
_PREFERRED: Final = str(Condition(Forgery.NT, Quality.C23))


class Inputs(NamedTuple):
    """Folders that the report reads; any of them may be absent."""

    tables: Path
    evaluations: Path
    roc: Path
    examples: Path
    robustness: Path
    inventory: Path
    faces: Path
    crops: Path


class Work(NamedTuple):
    """What figures are drawn from, and where they go.

    Attributes:
        inputs: Folders of the data.
        evaluations: Run -> content of its evaluation file, in the order of `order.py`.
        detectors: Run -> its detector; runs of one detector share figures.
        folder: Where PNG, SVG and CSV go.
        dpi: Of the PNGs.
    """

    inputs: Inputs
    evaluations: Mapping[str, Mapping[str, Any]]
    detectors: Mapping[str, str]
    folder: Path
    dpi: int


class Shown(NamedTuple):
    """A figure that was drawn: <name>.png, .svg and .csv, and what it shows."""

    name: str
    caption: str


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure.

    Attributes:
        section: Of the page: summary, faces, curves, meaning or examples.
        draw: Draws every figure of the kind for which there is data, by names that begin with a kind of its own.
        more: The line under which all but the first are folded; empty: none is folded.
    """

    section: str
    draw: Callable[[Work], Iterator[Shown]]
    more: str = ""


def numbered(kind: str, number: int) -> str:
    """Name of a kind's figure, counted from 0: roc, roc-2, roc-3, …"""
    return f"{kind}-{number + 1}" if number else kind


def groups(work: Work) -> list[tuple[str, list[str]]]:
    """Training condition and runs of each figure of lines; first the condition that most runs share."""
    runs: dict[tuple[str, str], list[str]] = {}
    for run, each in work.evaluations.items():
        for train in dict.fromkeys(entry["train"] for entry in each["results"]):
            runs.setdefault((train, work.detectors[run]), []).append(run)
    ordered = sorted(runs, key=lambda key: (-len(runs[key]), key[0] != _PREFERRED))
    return [
        (train, runs[train, detector][start : start + LINES])
        for train, detector in ordered
        for start in range(0, len(runs[train, detector]), LINES)
    ]
