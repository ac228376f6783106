"""The report's first table: each method under each training condition, at home and on what it has not seen."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deepfake_adv.evaluation.headline import GROUPS, groups
from deepfake_adv.evaluation.paired import Difference
from deepfake_adv.names import Condition
from deepfake_adv.reporting.measured import Measurement, measurement
from deepfake_adv.reporting.order import place
from deepfake_adv.reporting.tables import compare, mean


class GroupScore(NamedTuple):
    """Mean AUC over the tests of one group, percent, and its difference to the baseline's on the same tests."""

    ours: Measurement
    versus: Difference | None


class SummaryLine(NamedTuple):
    """One method of one detector under one training condition; a score per group of tests, None where not measured."""

    run: str
    method: str
    detector: str
    train: str
    scores: dict[str, GroupScore | None]


def summary(
    evaluations: Mapping[str, Mapping[str, Any]],
    players: Mapping[str, tuple[str, str]],
    *,
    baseline: str,
    confidence: float,
) -> list[SummaryLine]:
    """Frame-level AUCs by `headline.groups`, by detector, then training condition, then method.

    Args:
        evaluations: Run -> content of its evaluation file, in the order of `order.py`.
        players: Run -> its entries of `methods` and of `detectors`.
        baseline: `methods` entry that others are compared with.
        confidence: Of the intervals, in (0, 1).
    """
    measured: dict[tuple[str, str, str], tuple[str, dict[str, dict[str, Measurement]]]] = {}
    for run, evaluation in evaluations.items():
        method, detector = players[run]
        for train in dict.fromkeys(entry["train"] for entry in evaluation["results"]):
            measured[detector, train, method] = run, _by_group(run, evaluation["results"], train)
    detectors = list(dict.fromkeys(detector for detector, _, _ in measured))
    lines = []
    for detector, train, method in sorted(
        measured, key=lambda key: (detectors.index(key[0]), place(Condition.parse(key[1])))
    ):
        run, found = measured[detector, train, method]
        _, other = measured.get((detector, train, baseline), ("", {}))
        scores = {
            name: _score(found[name], {} if method == baseline else other.get(name, {}), confidence) for name in GROUPS
        }
        lines.append(SummaryLine(run, method, detector, train, scores))
    return lines


def _by_group(run: str, entries: Sequence[Mapping[str, Any]], train: str) -> dict[str, dict[str, Measurement]]:
    """Group -> the measured AUC of each of its tests, by dataset and condition."""
    return {
        name: {
            f"{entry['dataset']} {entry['test']}": found
            for entry in members
            if (found := measurement(run, entry, "auc")) is not None
        }
        for name, members in groups(entries, train).items()
    }


def _score(ours: Mapping[str, Measurement], other: Mapping[str, Measurement], confidence: float) -> GroupScore | None:
    if not ours:
        return None
    both = [name for name in ours if name in other]
    versus = None
    if both:
        first, second = (mean([side[name] for name in both], confidence) for side in (ours, other))
        versus = compare(first, second, confidence)
    return GroupScore(mean(list(ours.values()), confidence), versus)
