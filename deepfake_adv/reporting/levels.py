"""Every evaluation at frame and at video level, since the paper's tables have frames alone."""

from collections.abc import Mapping
from typing import Any, Final

from deepfake_adv.names import Condition, Quality

FILE: Final = "levels.csv"
METRICS: Final = ("auc", "acc", "ap", "eer", "fpr")
_NAMES: Final = ("run", "train", "dataset", "test")
COLUMNS: Final = (*_NAMES, *(f"{level} {metric}" for level in ("frame", "video") for metric in METRICS))


def level_rows(evaluations: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """One row per run, training and test condition, by `COLUMNS`; percent, empty where undefined."""
    return [
        {"run": run, **{name: entry[name] for name in _NAMES[1:]}, **_numbers(entry)}
        for run, evaluation in evaluations.items()
        for entry in evaluation["results"]
    ]


def _numbers(entry: Mapping[str, Any]) -> dict[str, str]:
    values = {f"{level} {metric}": entry[level][metric]["value"] for level in ("frame", "video") for metric in METRICS}
    return {name: "" if value is None else f"{100 * value:.2f}" for name, value in values.items()}


def at_own_quality(rows: list[list[str]]) -> list[list[str]]:
    """The header, and the rows whose test has the training's quality or its dataset's only one."""
    if not rows:
        return []
    train, test = (rows[0].index(name) for name in ("train", "test"))
    kept = [row for row in rows[1:] if _quality(row[test]) in (_quality(row[train]), Quality.NATIVE)]
    return [rows[0], *kept]


def _quality(condition: str) -> str:
    return Condition.parse(condition, real=True).quality
