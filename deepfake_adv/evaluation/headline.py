"""A run in few numbers, for `dvc metrics show` and `dvc metrics diff`: AUC on known and unseen conditions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from deepfake_adv.evaluation.run import LEVELS
from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, Condition

Result = Mapping[str, Any]
"""One train and test condition of an evaluation: keys train, test, dataset, frame, video."""

HOME: Final = "home"
UNSEEN: Final = ("unseen_forgeries", "unseen_qualities", "unseen_datasets")
GROUPS: Final = (HOME, *UNSEEN)


def headline(entries: Sequence[Result]) -> dict[str, dict[str, float]]:
    """AUC in percent: level (frame, video) -> home, unseen_forgeries, unseen_qualities, unseen_datasets.

    Each is a mean over test conditions, then over the run's training conditions. Home is the training condition. Unseen
    forgeries have its quality, unseen qualities its forgery, both within its dataset; unseen datasets are all
    conditions of other datasets. Pooled test sets (FF, all) would count videos twice and are used for home only.
    Numbers without a measurement are omitted; if no AUC is left, accuracy is given where it is known.

    Args:
        entries: Of one run.
    """
    trained = dict.fromkeys(entry["train"] for entry in entries)
    parts = [groups(entries, train) for train in trained]
    found: dict[str, dict[str, float]] = {}
    for level in LEVELS:
        means = {name: _mean(_over(group[name], level, "auc") for group in parts) for name in GROUPS}
        if all(value is None for value in means.values()):
            means = {"accuracy": _over(entries, level, "acc")}
        known = {name: round(100 * value, 2) for name, value in means.items() if value is not None}
        found |= {level: known} if known else {}
    return found


def groups(entries: Iterable[Result], train: str) -> dict[str, list[Result]]:
    """The entries behind each number of one training condition; see `headline`."""
    trained = Condition.parse(train)
    mine = [entry for entry in entries if entry["train"] == train]
    found: dict[str, list[Result]] = {HOME: [entry for entry in mine if entry["test"] == train]}
    found |= {name: [] for name in UNSEEN}
    datasets = {entry["dataset"] for entry in found[HOME]}
    for entry in mine:
        test = Condition.parse(entry["test"], real=True)
        if test.forgery == ALL_FORGERIES or test.quality == ALL_QUALITIES:
            continue
        known_forgery = test.forgery in trained.forgeries()
        known_quality = trained.qualities() is None or test.quality in (trained.qualities() or ())
        if entry["dataset"] not in datasets:
            found["unseen_datasets"].append(entry)
        elif known_quality and not known_forgery:
            found["unseen_forgeries"].append(entry)
        elif known_forgery and not known_quality:
            found["unseen_qualities"].append(entry)
    return found


def _over(entries: Iterable[Result], level: str, metric: str) -> float | None:
    return _mean(entry[level][metric]["value"] for entry in entries)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
