"""How many videos each run trains and is tested on, from the datasets' lists alone: no video is opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from deepfake_adv.datasets.classes import Trained, one_class_errors
from deepfake_adv.datasets.conditions import rows_of_condition
from deepfake_adv.datasets.probing import PartOnDisk, list_entries
from deepfake_adv.datasets.videos import MISSING, OK, VideoRow
from deepfake_adv.names import ALL_QUALITIES, Condition, Split

_NAMED: Final = 2  # runs named in one line
_MADE: Final = Path("data/corpus")  # what the stage `corpus` leaves, in dvc.yaml


def count_videos(parts: Sequence[PartOnDisk], trained: Trained) -> tuple[list[str], list[str]]:
    """One line per dataset that is not there and per condition that runs train on; and what is wrong.

    Args:
        parts: What params name.
        trained: The tier and the conditions of each run.

    Returns:
        Lines, and errors: lists that cannot be read; and, where every dataset is there, runs without any data.
    """
    lines, errors = [], []
    rows: list[list[VideoRow]] = []
    present = []
    for part in parts:
        if (problem := part.layout.problem()) is not None:
            lines.append(f"{part.dataset}: not counted; {problem}. {_next_step(part)}")
            continue
        try:
            rows.append(_rows(part))
        except (FileNotFoundError, ValueError) as error:
            errors.append(str(error))
            continue
        present.append(part)
    lines = list(dict.fromkeys(lines))
    if present:
        lines += _lines(present, rows, trained)
    if len(present) == len(parts):
        errors += one_class_errors(present, rows, trained)
    return lines, list(dict.fromkeys(errors))


def _next_step(part: PartOnDisk) -> str:
    if part.layout.root.is_relative_to(_MADE):
        return "The stage `corpus` of `dvc repro` makes it."
    how: str = part.layout.how_to_get
    return f"To get it: {how}."


def _rows(part: PartOnDisk) -> list[VideoRow]:
    """The expected videos, as missing where there is no file."""
    return [
        VideoRow(
            **vars(entry),
            bytes=0,
            fingerprint="",
            frames=0,
            fps=0.0,
            width=0,
            height=0,
            status=OK if (part.layout.root / entry.path).exists() else MISSING,
        )
        for entry in list_entries(part)
    ]


def _lines(parts: Sequence[PartOnDisk], rows: Sequence[Sequence[VideoRow]], trained: Trained) -> list[str]:
    usable = [
        (part.dataset, part.quality, row.forgery, row.split)
        for part, listed in zip(parts, rows, strict=True)
        for row in listed
        if row.usable
    ]
    names = ("dataset", "quality", "forgery", "split")
    columns = pa.table({name: pa.array([row[k] for row in usable], pa.string()) for k, name in enumerate(names)})
    runs: dict[tuple[str, str], list[str]] = {}
    for run, (tier, conditions) in trained.items():
        for condition in conditions:
            runs.setdefault((tier, condition), []).append(run)
    return [
        f"{condition}: {_counts(columns, tier, condition)}; {_named(runs_of)}"
        for (tier, condition), runs_of in runs.items()
    ]


def _counts(columns: pa.Table, tier: str, condition: str) -> str:
    inside = np.array([tier in (quality, ALL_QUALITIES) for quality in columns["quality"].to_pylist()], bool)
    here = columns.filter(pa.array(inside, pa.bool_()))
    fakes, reals = rows_of_condition(here, Condition.parse(condition))
    split = np.array(here["split"].to_pylist(), str)
    told = (f"{name} {int((reals & (split == name)).sum())} + {int((fakes & (split == name)).sum())}" for name in Split)
    return f"{', '.join(told)} real + fake videos"


def _named(runs: Sequence[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return f"{', '.join(runs[:_NAMED])}{more}"
