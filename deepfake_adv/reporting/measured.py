"""Measured numbers as tables and report look them up: runs' evaluations, attacks' accuracies, data of our own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.evaluation import replicates
from deepfake_adv.evaluation.run import LEVELS
from deepfake_adv.files import read_json
from deepfake_adv.names import Condition, Quality
from deepfake_adv.reporting.order import order_results, order_runs
from deepfake_adv.reporting.specs import Column, Row

IDENTITIES: Final = "identities"
"""Stands for a dataset's name where classifiers distinguish the identities of this project's own faces."""

LEVELS_FILE: Final = "levels.csv"
_LEVELS_NAMES: Final = ("run", "train", "dataset", "test")
_LEVELS_METRICS: Final = tuple((level, name) for level in LEVELS for name in ("auc", "acc", "ap", "eer", "fpr"))
LEVELS_COLUMNS: Final = (*_LEVELS_NAMES, *(f"{level} {metric}" for level, metric in _LEVELS_METRICS))
CORPUS_ROOT: Final = "data/corpus"
_OWN_CORPORA: Final = {
    "procedural": "a synthetic corpus of rendered faces",
    "clips": "a self-made corpus, forged from a folder of clips",
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """One number in percent with its provenance.

    `setting` is the reading of Eq. (6) of a blur attack, `units` the number of what its resamples drew.
    """

    value: float
    low: float | None
    high: float | None
    run: str
    dataset: str = ""
    counts: str = ""
    seeds: tuple[int, ...] = ()
    replicates: Floats | None = None
    sample: str = ""
    setting: str = ""
    units: int | None = None


def read_evaluations(folder: Path, runs: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Evaluation files of `runs` that exist; runs, and the results of each, in the order of all tables and figures.

    Args:
        folder: reports/evaluation.
        runs: Run -> its entries of `methods` and of `detectors`.
    """
    found = {run: read_json(folder / f"{run}.json") for run in order_runs(runs) if (folder / f"{run}.json").exists()}
    return {run: {**content, "results": order_results(content["results"])} for run, content in found.items()}


class Evaluations:
    """Evaluation files of the runs that params name, by method, detector, train and test condition.

    Args:
        folder: reports/evaluation. Files of runs that are not in `runs` are ignored.
        runs: Run name -> (method entry, detector entry).
        roles: The paper's detectors and datasets -> this project's entries; a role that is not
            a key is its own entry.
    """

    def __init__(self, folder: Path, runs: Mapping[str, tuple[str, str]], roles: Mapping[str, str]) -> None:
        self.roles = roles
        self.runs = read_evaluations(folder, runs)
        self._entries: dict[tuple[str, str, str, str], list[tuple[str, dict[str, Any]]]] = {}
        for name, evaluation in self.runs.items():
            for entry in evaluation["results"]:
                key = (*runs[name], entry["train"], entry["test"])
                self._entries.setdefault(key, []).append((name, entry))

    def detector(self, role: str) -> str:
        """The `detectors` entry of a role."""
        return self.roles.get(role, role)

    def places(self, run: str) -> list[tuple[str, str, str]]:
        """Method, detector and training condition of what a run has measured, each once."""
        return list(dict.fromkeys(key[:3] for key, found in self._entries.items() if run in dict(found)))

    def tests(self, run: str) -> list[tuple[str, str]]:
        """Dataset and condition of every test of a run, each once."""
        return list(dict.fromkeys((entry["dataset"], entry["test"]) for entry in self.runs[run]["results"]))

    def find(self, row: Row, column: Column, metric: str) -> Measurement | None:
        """The frame-level metric of a cell, or None if no run measured it.

        Raises:
            ValueError: If two runs, or two datasets, claim the same cell.
        """
        detector = row.detector if row.train else self.detector(row.detector)
        found = self._entries.get((row.entry, detector, column.train or row.train, column.test), [])
        dataset = column.dataset if row.train else self.roles.get(column.dataset, "")
        if dataset:
            found = [(run, entry) for run, entry in found if entry["dataset"] == dataset]
        if len(found) > 1:
            claims = ", ".join(f"{run} on {entry['dataset']}" for run, entry in found)
            raise ValueError(
                f"{row.entry} / {detector} / {column.train} / {column.test} must be measured once; got {claims}. "
                f"Name in tables.roles the dataset that stands for {column.dataset}, or remove a run."
            )
        return measurement(*found[0], metric) if found else None


def measurement(run: str, entry: Mapping[str, Any], metric: str) -> Measurement | None:
    """The frame-level metric of an entry of an evaluation; None where it is undefined."""
    number = entry["frame"][metric]
    if number["value"] is None:
        return None
    kept = entry.get("replicates", {})
    frames, videos = entry["frames"], entry["videos"]
    drawn = entry.get("drawn", {"kind": "videos", "count": None})
    return Measurement(
        value=100 * number["value"],
        low=_percent(number["low"]),
        high=_percent(number["high"]),
        run=run,
        dataset=entry["dataset"],
        counts=f"{frames['real']}+{frames['fake']} frames of {videos['real']}+{videos['fake']} videos"
        + (f" ({drawn['count']} {drawn['kind']})" if drawn["kind"] != "videos" else ""),
        seeds=tuple(entry["seeds"]),
        replicates=100 * replicates.unpack(kept[metric]) if metric in kept else None,
        sample=kept.get("sample", ""),
        units=drawn["count"],
    )


class Attacks:
    """Adversarial accuracies of reports/attack/*.json.

    Each file has ``cells``: a list of objects with attack (fgsm, pgd or blur), steps, source,
    victim, accuracy and its interval low, high (fractions), images, and for blur
    kernel_size, sigma, rule and epsilon. A cell with ``"extra": true`` is not used in tables. If
    ``provenance.source`` is "identities", the classifiers distinguish the identities of this project's own faces.

    Args:
        folder: reports/attack; may be absent.
        roles: The paper's classifiers -> names used in the files.
    """

    def __init__(self, folder: Path | None, roles: Mapping[str, str]) -> None:
        self.roles = roles
        files = sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else []
        self._cells = [cell for path in files for cell in _table_cells(path)]

    def find(self, row: Row, column: Column, metric: str) -> Measurement | None:
        """The accuracy of a cell's victim, or None if the attack was not run.

        Raises:
            ValueError: If two cells claim the same place.
        """
        wanted = {
            "attack": metric,
            "steps": row.steps,
            "source": self.roles.get(row.source, row.source),
            "victim": self.roles.get(column.victim, column.victim),
        }
        if metric == "blur":
            wanted |= {"kernel_size": row.kernel_size, "sigma": row.sigma}
        found = [cell for cell in self._cells if all(cell.get(key) == value for key, value in wanted.items())]
        if len(found) > 1:
            raise ValueError(f"attack {wanted} must be measured once; got it {len(found)} times. Mark one as extra.")
        if not found:
            return None
        cell = found[0]
        return Measurement(
            value=100 * cell["accuracy"],
            low=_percent(cell.get("low")),
            high=_percent(cell.get("high")),
            run=cell["file"],
            dataset=cell["dataset"],
            counts=f"{cell['images']} images" if "images" in cell else "",
            setting=f"rule {cell['rule']}, ε = {cell['epsilon']:g}" if "rule" in cell else "",
        )


def _table_cells(path: Path) -> list[dict[str, Any]]:
    content = read_json(path)
    own = content.get("provenance", {}).get("source") == "identities"
    cells = [cell for cell in content["cells"] if not cell.get("extra")]
    return [{**cell, "file": path.stem, "dataset": IDENTITIES if own else ""} for cell in cells]


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def level_rows(evaluations: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """One row per run, training and test condition, by `LEVELS_COLUMNS`; percent, empty where undefined."""
    return [
        {"run": run, **{name: entry[name] for name in _LEVELS_NAMES[1:]}, **_level_percents(entry)}
        for run, evaluation in evaluations.items()
        for entry in evaluation["results"]
    ]


def _level_percents(entry: Mapping[str, Any]) -> dict[str, str]:
    values = {f"{level} {metric}": entry[level][metric]["value"] for level, metric in _LEVELS_METRICS}
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


def own_corpora(source: str, roots: Mapping[str, str]) -> dict[str, str]:
    """Dataset name -> what it is, for the datasets in the output folder of the `corpus` stage.

    The images of `IDENTITIES`, which the attacked classifiers distinguish, are cut from the same faces.

    Args:
        source: params' corpus.source.
        roots: Dataset name -> its root.
    """
    made = _OWN_CORPORA.get(source)
    names = [name for name, root in roots.items() if PurePosixPath(root).is_relative_to(CORPUS_ROOT)]
    return dict.fromkeys([*names, IDENTITIES], made) if made and names else {}
