"""Every figure for which there is data, drawn into one folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from deepfake_adv.files import read_json
from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, Condition, Forgery, Quality
from deepfake_adv.reporting.contact_sheet import faces
from deepfake_adv.reporting.evidence import pooled, trainings
from deepfake_adv.reporting.figures.calibration import Tests, draw_calibration, draw_costs
from deepfake_adv.reporting.figures.curves import draw_robustness, draw_roc, draw_training, read_csv
from deepfake_adv.reporting.figures.diagrams import draw_diagrams
from deepfake_adv.reporting.figures.grids import draw_grid, draw_pictures
from deepfake_adv.reporting.figures.heatmap import draw_heatmap

_LINES: Final = 7  # in one figure
_PREFERRED: Final = str(Condition(Forgery.NT, Quality.C23))


class Inputs(NamedTuple):
    """Folders that the report reads; any of them may be absent."""

    tables: Path
    evaluations: Path
    roc: Path
    examples: Path
    robustness: Path
    inventory: Path
    faces: Path
    crops: Path


def draw_all(
    inputs: Inputs,
    evaluations: Mapping[str, Mapping[str, Any]],
    folder: Path,
    *,
    detectors: Mapping[str, str],
    dpi: int,
) -> dict[str, str]:
    """Draw every figure for which there is data.

    Args:
        inputs: Paths of the data.
        evaluations: Run -> content of its evaluation file.
        folder: Where PNG, SVG and CSV go.
        detectors: Run -> its detector; runs of one detector share figures.
        dpi: Of the PNGs.

    Returns:
        Name of each figure drawn -> its caption; further ones of a kind are <kind>-2, <kind>-3, …
    """
    drawn: dict[str, str] = {}
    draw_diagrams(folder, dpi=dpi)
    drawn["figure2"] = "Fig. 2. Blurring adversarial training with two generators."
    drawn["figure3"] = "Fig. 3. Combined adversarial training: blur first, then the additive perturbation."
    drawn |= _examples(inputs.examples, folder, dpi)
    drawn |= _faces(inputs, evaluations, folder, dpi)
    drawn |= _curves(inputs, evaluations, detectors, folder, dpi)
    drawn |= _calibration(evaluations, detectors, folder, dpi)
    if draw_heatmap(*matrix(evaluations), folder, dpi=dpi):
        drawn["heatmap"] = "AUC (%) of every run on every condition, frame level; test conditions across."
    path = inputs.robustness / "detectors.json"
    if path.exists() and draw_robustness(read_json(path).get("curves", []), folder, dpi=dpi):
        drawn["robustness"] = "AUC of detectors as their test crops are degraded."
    return drawn


def matrix(
    evaluations: Mapping[str, Mapping[str, Any]],
) -> tuple[np.ndarray[Any, Any], list[str], list[tuple[str, str]]]:
    """AUCs in percent, runs down, (training, test) conditions across; NaN where not run."""
    cells: dict[tuple[str, tuple[Condition, Condition]], float] = {}
    for run, evaluation in evaluations.items():
        for entry in evaluation["results"]:
            pair = (Condition.parse(entry["train"]), Condition.parse(entry["test"], real=True))
            if entry["frame"]["auc"]["value"] is not None:
                cells[run, pair] = entry["frame"]["auc"]["value"]
    runs = list(dict.fromkeys(run for run, _ in cells))
    columns = sorted({column for _, column in cells}, key=lambda pair: [_place(condition) for condition in pair])
    values = np.full((len(runs), len(columns)), np.nan)
    for (run, column), value in cells.items():
        values[runs.index(run), columns.index(column)] = 100 * value
    return values, runs, [(str(train), str(test)) for train, test in columns]


def _place(condition: Condition) -> tuple[bool, str, int]:
    """Sorts by forgery, all together last, then from the best quality to the worst."""
    qualities = [*map(str, Quality), ALL_QUALITIES]
    return condition.forgery == ALL_FORGERIES, condition.forgery, qualities.index(condition.quality)


def _curves(
    inputs: Inputs,
    evaluations: Mapping[str, Mapping[str, Any]],
    detectors: Mapping[str, str],
    folder: Path,
    dpi: int,
) -> dict[str, str]:
    """ROC and training curves of every run, up to `_LINES` of one detector and training condition in a figure."""
    drawn: dict[str, str] = {}
    logs = trainings(evaluations)
    for train, shown in _groups(evaluations, detectors):
        curves = {run: read_csv(path) for run in shown if (path := inputs.roc / f"{run}.csv").exists()}
        name = _numbered("roc", drawn)
        if draw_roc(curves, _roc_columns(curves, train), folder, dpi=dpi, name=name):
            drawn[name] = (
                f"ROC curves of {detectors[shown[0]]} trained on {train}, frame level; the axis is stretched at its "
                "strict end."
            )
        chosen = [name for name in logs if name.split(" ")[:2] in [[run, train] for run in shown]]
        for start in range(0, len(chosen), _LINES):
            name = _numbered("training", drawn)
            if draw_training({each: logs[each] for each in chosen[start : start + _LINES]}, folder, dpi=dpi, name=name):
                drawn[name] = (
                    f"Training {detectors[shown[0]]} on {train}: loss, validation AUC and learning rate by epoch."
                )
    return drawn


def _numbered(kind: str, drawn: Mapping[str, str]) -> str:
    """The next figure's name of a kind: roc, roc-2, roc-3, …"""
    number = 1 + sum(name.partition("-")[0] == kind for name in drawn)
    return kind if number == 1 else f"{kind}-{number}"


def _groups(evaluations: Mapping[str, Mapping[str, Any]], detectors: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Training condition and runs of each figure; first the condition that most runs share."""
    runs: dict[tuple[str, str], list[str]] = {}
    for run, each in evaluations.items():
        for train in dict.fromkeys(entry["train"] for entry in each["results"]):
            runs.setdefault((train, detectors[run]), []).append(run)
    ordered = sorted(runs, key=lambda key: (-len(runs[key]), key[0] != _PREFERRED))
    return [
        (train, runs[train, detector][start : start + _LINES])
        for train, detector in ordered
        for start in range(0, len(runs[train, detector]), _LINES)
    ]


def _calibration(
    evaluations: Mapping[str, Mapping[str, Any]], detectors: Mapping[str, str], folder: Path, dpi: int
) -> dict[str, str]:
    """Calibration at home and where it was not made: of every run, in the same groups as the curves."""
    drawn: dict[str, str] = {}
    for train, shown in _groups(evaluations, detectors):
        tests, others = ratios_by_test(evaluations, train, shown)
        subject = f"of {detectors[shown[0]]} trained and calibrated on {train}"
        left = f" The numbers of {others} further test{'s' * (others > 1)} are in reports/evaluation." if others else ""
        name = _numbered("calibration", drawn)
        if draw_calibration(tests, folder, dpi=dpi, name=name):
            drawn[name] = (
                f"Likelihood ratios {subject}: as the test videos bear them out, over as stated. On the dotted line "
                "they are what they say; below it on the right they overstate a forgery, above it on the left a "
                f"genuine recording. Tests: {train} itself, others of its quality or forgery, other datasets.{left}"
            )
        name = _numbered("cllr", drawn)
        if draw_costs(tests, folder, dpi=dpi, name=name):
            drawn[name] = (
                f"Cost of the likelihood ratios, Cllr, {subject}; open marks: the least that any calibration could "
                f"reach. On the dotted line and above, the ratios are no better than none.{left}"
            )
    return drawn


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


def _roc_columns(curves: Mapping[str, Iterable[str]], train: str) -> list[str]:
    """Columns ``<train>_to_<dataset>_<test>`` of ROC files whose test is one forgery at the training quality."""
    qualities = (Condition.parse(train).quality, Quality.NATIVE)
    names = dict.fromkeys(name for found in curves.values() for name in found if name.startswith(f"{train}_to_"))
    pooled_ones = tuple(f"_{ALL_FORGERIES}_{quality}" for quality in qualities)
    return [name for name in names if name.rpartition("_")[2] in qualities and not name.endswith(pooled_ones)]


def _examples(source: Path, folder: Path, dpi: int) -> dict[str, str]:
    captions = {
        "figure1": "Fig. 1. Adversarial examples against {source}: real faces left, forged faces right.",
        "figure4": "Fig. 4. Adversarial blur with windows of several widths, against {source}.",
        "maps": "Learned blur: the face, the map of σ by {source}, and the face blurred by it.",
    }
    drawn = {}
    for name, caption in captions.items():
        grid = draw_pictures(source, name, folder, dpi=dpi)
        if grid is not None:
            drawn[name] = caption.format(source=grid.get("source", "a trained detector"))
    return drawn


def _faces(inputs: Inputs, evaluations: Mapping[str, Mapping[str, Any]], folder: Path, dpi: int) -> dict[str, str]:
    """A contact sheet of every dataset that has crops of its test videos."""
    drawn: dict[str, str] = {}
    datasets = [entry["dataset"] for each in evaluations.values() for entry in each["results"]]
    for dataset in dict.fromkeys(datasets):
        pictures, rows, columns = faces(inputs.crops, dataset, targets=2)
        name = _numbered("corpus", drawn)
        if draw_grid(pictures, rows, columns, folder, name, dpi=dpi):
            drawn[name] = f"Test faces of {dataset}: the same moment real and forged, at each quality."
    return drawn
