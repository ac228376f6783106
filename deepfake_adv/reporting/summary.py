"""The report's first table: each method under each training condition, at home and on what it has not seen."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from deepfake_adv.evaluation.headline import GROUPS, groups
from deepfake_adv.evaluation.paired import Difference
from deepfake_adv.reporting.measured import Measurement, measurement
from deepfake_adv.reporting.specs import load_specs
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
    """Frame-level AUCs by `headline.groups`, in the order of detectors, conditions and the paper's methods.

    Args:
        evaluations: Run -> content of its evaluation file.
        players: Run -> its entries of `methods` and of `detectors`.
        baseline: `methods` entry that others are compared with.
        confidence: Of the intervals, in (0, 1).
    """
    measured: dict[tuple[str, str, str], tuple[str, dict[str, dict[str, Measurement]]]] = {}
    for run, evaluation in evaluations.items():
        method, detector = players[run]
        for train in dict.fromkeys(entry["train"] for entry in evaluation["results"]):
            measured[detector, train, method] = run, _by_group(run, evaluation["results"], train)
    lines = []
    for detector, train, method in _ordered(measured):
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


def _ordered(keys: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Detectors and conditions as they come, methods as the paper's tables have them, others last."""
    listed = list(keys)
    printed = list(dict.fromkeys(row.entry for spec in load_specs() for row in spec.rows))
    detectors, trains = (list(dict.fromkeys(key[place] for key in listed)) for place in (0, 1))

    def place(key: tuple[str, str, str]) -> tuple[int, int, int]:
        detector, train, method = key
        return (
            detectors.index(detector),
            trains.index(train),
            printed.index(method) if method in printed else len(printed),
        )

    return sorted(listed, key=place)
