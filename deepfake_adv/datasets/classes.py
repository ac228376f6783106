"""Checks that the usable videos have both classes, for each condition that a run trains on."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from deepfake_adv.datasets.conditions import rows_of_condition
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.names import ALL_QUALITIES, FAKE_LABEL, Condition, Split

Trained = Mapping[str, tuple[str, Sequence[str]]]
"""Run name -> its tier and the conditions that it trains on."""

_NAMED: Final = 3  # runs named in one message


def one_class_errors(parts: Sequence[PartOnDisk], rows: Sequence[Sequence[VideoRow]], trained: Trained) -> list[str]:
    """Conditions with one class only, one sentence per tier, condition and split; empty where there are none.

    Only usable videos count. A test set of one class is no error: some metrics can be measured on it.
    """
    runs: dict[tuple[str, str], list[str]] = {}
    for run, (tier, conditions) in trained.items():
        for condition in conditions:
            runs.setdefault((tier, condition), []).append(run)
    errors = []
    for split in (Split.TRAIN, Split.VAL):
        usable = [
            (part.dataset, part.quality, row.forgery, row.label)
            for part, listed in zip(parts, rows, strict=True)
            for row in listed
            if row.usable and row.split == split
        ]
        names = ("dataset", "quality", "forgery", "label")
        columns = pa.table({name: [video[place] for video in usable] for place, name in enumerate(names)})
        for (tier, condition), named in runs.items():
            if error := _error(columns, tier, condition, split):
                more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
                errors.append(
                    f"{condition}, trained on by {', '.join(named[:_NAMED])}{more}, must have real and fake videos in "
                    f"split {split}; {error}. Add some, or take {condition} out of runs.<run>.conditions."
                )
    return errors


def _error(columns: pa.Table, tier: str, condition: str, split: str) -> str:
    inside = np.array([tier in (quality, ALL_QUALITIES) for quality in columns["quality"].to_pylist()], bool)
    here = columns.filter(pa.array(inside, pa.bool_()))
    if not len(here):
        return f"got no video at all in tier {tier}"
    fakes, reals = rows_of_condition(here, Condition.parse(condition))
    if fakes.any() and reals.any():
        return ""
    if fakes.any():
        held = sorted(set(here["dataset"].filter(pa.array(fakes)).to_pylist()))
        return f"got {int(fakes.sum())} fake and no real of {', '.join(held)}"
    labels = here["label"].to_numpy()
    other = int((labels == FAKE_LABEL).sum())
    besides = f", {other} fake of other forgeries or qualities" if other else ""
    return f"got no fake, beside {int((labels != FAKE_LABEL).sum())} real{besides}"
