"""Metrics of a table of scores from elsewhere: what `deepfake-adv evaluate --scores` does."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.bootstrap import Sample, interval
from deepfake_adv.evaluation.run import LEVELS, Settings, count_classes, measure, number
from deepfake_adv.evaluation.score_table import ScoreTable
from deepfake_adv.evaluation.scores import Codes, TestSet
from deepfake_adv.files import sha256
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL

FORMAT: Final = 1
_TITLES: Final = {
    "auc": "AUC",
    "ap": "average precision",
    "eer": "equal error rate",
    "tpr": "found at 1 % false alarms",
    "acc": "accuracy at threshold",
    "found": "fakes called fake",
    "false_alarms": "reals called fake",
    "ece": "calibration error",
}


def evaluate_table(
    table: ScoreTable, settings: Settings, *, threshold: float | None = None, by: str | None = None
) -> dict[str, Any]:
    """Measure all rows, and those of each value of a column.

    Rows without a score are counted: their frames are left out, and a video without any score is one that says nothing
    (`ScoreTable.no_score`).

    Args:
        table: The scores.
        settings: Of the intervals.
        threshold: Scores above it are called fake; None: 0.5, which only suits probabilities.
        by: Column; reals that have nothing, or "real", in it belong to each of its values.

    Returns:
        Fractions; None where undefined.

    Raises:
        ValueError: If scores are no probabilities and there is no threshold, or no row has the column.
    """
    if threshold is None and not table.probabilities:
        known = table.scores.score[np.isfinite(table.scores.score)]
        raise ValueError(
            f"scores must be in [0, 1] where no threshold is given; got {known.min():g} to {known.max():g} in "
            f"{table.path}. Add --threshold, or turn them into P(fake)."
        )
    cut = metrics.THRESHOLD if threshold is None else threshold
    groups = {"all": np.arange(len(table.fields)), **(_groups(table, by) if by else {})}
    return {
        "format": FORMAT,
        "scores": {"file": str(table.path), "sha256": sha256(table.path), "rows": len(table.fields)},
        "missing": {"rows": table.missing, "video_score": table.no_score},
        "rows_are": "frames" if table.frames else "videos",
        "threshold": cut,
        "settings": settings._asdict(),
        "by": by,
        "results": [
            {"group": name, **_result(table.test_set(rows), settings, cut, frames=table.frames)}
            for name, rows in groups.items()
        ],
    }


def _groups(table: ScoreTable, by: str) -> dict[str, Codes]:
    values = [REAL if by == "forgery" and not row.get(by) else row.get(by, "") for row in table.fields]
    if by not in {column for row in table.fields for column in row}:
        columns = ", ".join(sorted({column for row in table.fields for column in row}))
        raise ValueError(f"--by must be a column of {table.path}; got {by!r}. It has {columns}.")
    everywhere = np.array(
        [value in ("", REAL) and label == REAL_LABEL for value, label in zip(values, table.scores.label, strict=True)]
    )
    named = np.array(values)
    names = sorted(set(named[~everywhere]))
    return {name or "(none)": np.flatnonzero((named == name) | everywhere) for name in names}


def _result(test: TestSet, settings: Settings, threshold: float, *, frames: bool) -> dict[str, Any]:
    (seed,) = test.frames
    drawn = test.units.draw(settings.resamples, settings.seed)
    result: dict[str, Any] = {
        "frames": count_classes(test.frames[seed]) if frames else None,
        "videos": count_classes(test.videos[seed]),
        "missing": {"rows": test.lost_frames, "videos": test.lost_videos},
        "drawn": {"kind": test.units.kind, "count": test.units.count()},
    }
    for level in LEVELS[0 if frames else 1 :]:
        sample = (test.frames if level == "frame" else test.videos)[seed]
        numbers, _ = measure([sample], drawn, test.units.count(), settings, threshold)
        counts = metrics.confusion(sample.scores, sample.labels, threshold)
        del numbers["fpr"]  # false_alarms
        result[level] = {
            **numbers,
            **_rates(sample, drawn, test.units.count(), settings, threshold),
            "confusion": counts._asdict(),
        }
    return result


def _rates(
    sample: Sample, drawn: NDArray[np.float32], units: int, settings: Settings, threshold: float
) -> dict[str, Any]:
    """The rows of the confusion matrix: shares of fakes and of reals that are called fake, with intervals."""
    called = sample.scores > threshold
    rates = {}
    for name, members in (("found", sample.labels == FAKE_LABEL), ("false_alarms", sample.labels != FAKE_LABEL)):
        count, hits = (
            np.bincount(sample.cluster, weights=which, minlength=drawn.shape[1])
            for which in (members, members & called)
        )
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0: the class is not there
            value, drawn_values = hits.sum() / count.sum(), drawn @ hits / (drawn @ count)
        low, high = interval(drawn_values, settings.confidence, units)
        rates[name] = {"value": number(value), "low": number(low), "high": number(high)}
    return rates


def as_text(evaluated: Mapping[str, Any]) -> str:
    """A result of `evaluate_table` for people: percent."""
    settings, missing = evaluated["settings"], evaluated["missing"]
    lines = [
        f"{evaluated['scores']['file']}: {evaluated['scores']['rows']} rows, one per {evaluated['rows_are'][:-1]}; "
        + (f"{missing['rows']} without a score" if missing["rows"] else "none without a score")
    ]
    if settings["resamples"]:
        lines.append(
            f"Percent, with {100 * settings['confidence']:g} % intervals of {settings['resamples']} resamples."
        )
    for result in evaluated["results"]:
        videos, levels = result["videos"], [level for level in LEVELS if level in result]
        title = "All rows" if result["group"] == "all" else f"{evaluated['by']} {result['group']}"
        lines += ["", f"{title}: {videos['real']} real and {videos['fake']} fake videos"]
        if settings["resamples"]:
            lines[-1] += f"; drawn: {result['drawn']['count']} {result['drawn']['kind']}"
        if lost := result["missing"]["videos"]:
            lines.append(f"{lost} videos without any score count as {missing['video_score']:g}")
        rows = [[title, *(_cell(result[level][name]) for level in levels)] for name, title in _TITLES.items()]
        lines.append(tabulate(rows, headers=["", *(f"per {level}" for level in levels)], disable_numparse=True))
        lines.append(f"Confusion at a threshold of {evaluated['threshold']:g}:")
        lines += [f"  per {level}: {_confusion(result[level]['confusion'])}" for level in levels]
    return "\n".join(lines)


def _cell(found: Mapping[str, float | None]) -> str:
    if found["value"] is None:
        return "undefined"
    text = f"{100 * found['value']:.2f}"
    return (
        text
        if found["low"] is None or found["high"] is None
        else (f"{text} [{100 * found['low']:.2f}, {100 * found['high']:.2f}]")
    )


def _confusion(counts: Mapping[str, int]) -> str:
    fakes, reals = counts["tp"] + counts["fn"], counts["tn"] + counts["fp"]
    return f"{counts['tp']} of {fakes} fakes and {counts['fp']} of {reals} reals called fake"
