"""Likelihood ratios and their cost, at home and where calibration was not made: of every run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from deepfake_adv.names import Condition, Quality
from deepfake_adv.reporting.evidence import pooled
from deepfake_adv.reporting.figures.calibration import Tests, draw_calibration, draw_costs
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work, groups, numbered


def _ratios(work: Work) -> Iterator[Shown]:
    drawn = 0
    for train, shown in groups(work):
        tests, others = ratios_by_test(work.evaluations, train, shown)
        name = numbered("calibration", drawn)
        if draw_calibration(tests, work.folder, dpi=work.dpi, name=name):
            drawn += 1
            yield Shown(
                name,
                f"Likelihood ratios of {work.detectors[shown[0]]} trained and calibrated on {train}: as the test "
                "videos bear them out, over as stated. On the dotted line they are what they say; below it on the "
                "right they overstate a forgery, above it on the left a genuine recording. Tests: "
                f"{train} itself, others of its quality or forgery, other datasets.{_left(others)}",
            )


def _costs(work: Work) -> Iterator[Shown]:
    drawn = 0
    for train, shown in groups(work):
        tests, others = ratios_by_test(work.evaluations, train, shown)
        name = numbered("cllr", drawn)
        if draw_costs(tests, work.folder, dpi=work.dpi, name=name):
            drawn += 1
            yield Shown(
                name,
                f"Cost of the likelihood ratios, Cllr, of {work.detectors[shown[0]]} trained and calibrated on "
                f"{train}; open marks: the least that any calibration could reach. On the dotted line and above, the "
                f"ratios are no better than none.{_left(others)}",
            )


def _left(others: int) -> str:
    return f" The numbers of {others} further test{'s' * (others > 1)} are in reports/evaluation." if others else ""


def ratios_by_test(evaluations: Mapping[str, Mapping[str, Any]], train: str, runs: Iterable[str]) -> tuple[Tests, int]:
    """Ratios of some runs by test, and how many further tests there are.

    The training condition comes first, then others of its quality or of its forgery. Left out are tests that differ in
    both, and those of several forgeries or qualities together.
    """
    known = Condition.parse(train)
    tests: dict[str, dict[str, Mapping[str, Any]]] = {}
    others = set()
    for run in runs:
        for entry in evaluations[run]["results"]:
            if entry["train"] != train or "ratios" not in entry:
                continue
            test = Condition.parse(entry["test"], real=True)
            name = f"{entry['dataset']} {test}".replace("_", " ")
            alike = known.qualities() is None or test.quality in (known.quality, Quality.NATIVE)
            if test == known or ((alike or test.forgery in known.forgeries()) and not pooled(test)):
                tests.setdefault(name, {})[run] = entry["ratios"]
            else:
                others.add(name)
    ordered = sorted(tests.items(), key=lambda pair: not pair[0].endswith(train.replace("_", " ")))
    return dict(ordered), len(others)


COSTS: Final = FigureKind("meaning", _costs, more="Cost of other runs and trainings")
RATIOS: Final = FigureKind("meaning", _ratios, more="Calibration of other runs and trainings")
