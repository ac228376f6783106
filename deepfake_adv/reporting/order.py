"""One order of runs and of conditions for all tables and figures."""

from collections.abc import Iterable, Mapping
from typing import Any

from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, Condition, Quality
from deepfake_adv.reporting.specs import load_specs

Result = Mapping[str, Any]
"""One train and test condition of an evaluation: keys train, test, dataset."""


def order_runs(runs: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Detectors as params name them; of each, the methods as the paper's tables print them, others last.

    Args:
        runs: Run -> its entries of `methods` and of `detectors`.
    """
    printed = list(dict.fromkeys(row.entry for spec in load_specs() for row in spec.rows))
    detectors = list(dict.fromkeys(detector for _, detector in runs.values()))

    def place(run: str) -> tuple[int, int]:
        method, detector = runs[run]
        return detectors.index(detector), printed.index(method) if method in printed else len(printed)

    return {run: runs[run] for run in sorted(runs, key=place)}


def order_results(results: Iterable[Result]) -> list[Result]:
    """By training condition; of each, the test on that condition first, then its dataset's, then other datasets'."""
    listed = list(results)
    homes = {(each["train"], each["dataset"]) for each in listed if each["train"] == each["test"]}

    def key(each: Result) -> tuple[Any, ...]:
        train, dataset, test = each["train"], each["dataset"], each["test"]
        known = Condition.parse(train), Condition.parse(test, real=True)
        return place(known[0]), test != train, (train, dataset) not in homes, dataset, place(known[1])

    return sorted(listed, key=key)


def place(condition: Condition) -> tuple[bool, str, int]:
    """Sorts by forgery, all together last, then from the best quality to the worst, all together last."""
    qualities = [*map(str, Quality), ALL_QUALITIES]
    return condition.forgery == ALL_FORGERIES, condition.forgery, qualities.index(condition.quality)
