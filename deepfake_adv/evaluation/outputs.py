"""The files of the `evaluate` stage: metrics for DVC, the full evaluation, ROC points, confusion."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from deepfake_adv.evaluation.headline import headline
from deepfake_adv.evaluation.run import ROC_GRID, Evaluated, Settings, Supports
from deepfake_adv.files import read_csv, read_json, write_csv, write_json

FORMAT: Final = 1
_NONE: Final[Supports] = MappingProxyType({})
_CLASSES: Final = ("real", "fake")


def write_evaluation(path: Path, run: str, measured: list[Evaluated], origin: dict[str, Any]) -> None:
    """Everything measured: `results` (one entry per train and test condition) and `provenance`."""
    entries = [each.entry for each in measured]
    write_json(path, {"format": FORMAT, "run": run, "results": entries, "provenance": origin})


def write_metrics(path: Path, measured: list[Evaluated]) -> None:
    """The small file for `dvc metrics show`: see `headline`."""
    write_json(path, headline([each.entry for each in measured]))


def write_roc(path: Path, measured: list[Evaluated]) -> None:
    """TPR of every condition on one grid of FPR.

    Column `tpr` is the first condition tested on itself; the others are named ``<train>_to_<dataset>_<test>``. A
    condition with one class has no curve; without any curve the file has only a header.
    """
    drawn = [each for each in measured if np.isfinite(each.roc).all()]
    own = [each for each in drawn if each.entry["train"] == each.entry["test"]] or drawn
    names = [f"{e.entry['train']}_to_{e.entry['dataset']}_{e.entry['test']}" for e in drawn]
    rows: list[list[str]] = []
    if drawn:
        columns = np.stack([each.roc for each in [*own[:1], *drawn]])
        rows = [[f"{x:g}", *(f"{y:.5f}" for y in columns[:, k])] for k, x in enumerate(ROC_GRID)]
    write_csv(path, ["fpr", "tpr", *names], rows)


def write_confusion(path: Path, measured: list[Evaluated]) -> None:
    """One row per test video of the conditions trained on, for DVC's confusion template."""
    rows: list[list[str]] = []
    for each in measured:
        if each.entry["train"] == each.entry["test"]:
            place = [each.entry[key] for key in ("train", "test", "dataset")]
            rows += [[*place, _CLASSES[int(fake)], _CLASSES[int(called)]] for fake, called in each.calls]
    write_csv(path, ("train", "test", "dataset", "actual", "predicted"), rows)


def provenance(scores: Path, run_folder: Path, settings: Settings, supports: Supports = _NONE) -> dict[str, Any]:
    """Provenance of the numbers: training records and logs, the scores' hash, versions, settings, calibration."""
    with open(scores, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    records = sorted(Path(run_folder).glob("*/*/run.json"))
    return {
        "scores": {"fingerprint": digest, "bytes": Path(scores).stat().st_size},
        "settings": settings._asdict(),
        "training": {f"{path.parent.parent.name}/{path.parent.name}": _training(path) for path in records},
        "calibration": {f"{train}/seed{seed}": each.to_dict() for (train, seed), each in supports.items()},
        "versions": {
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "pyarrow": version("pyarrow"),
            "scikit-learn": version("scikit-learn"),
        },
    }


def _training(record: Path) -> dict[str, Any]:
    """run.json, and the columns of log.csv beside it, so that figures can be drawn without the weights."""
    log = record.with_name("log.csv")
    if not log.exists():
        return dict(read_json(record))
    rows = list(read_csv(log))
    columns = {name: [_finite(row[name]) for row in rows] for name in (rows[0] if rows else ())}
    return {**read_json(record), "log": columns}


def _finite(text: str) -> float | None:
    """A number that JSON can hold; None for a column that an epoch lacks."""
    value = float(text or "nan")
    return value if np.isfinite(value) else None
