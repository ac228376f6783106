"""Every figure for which there is data, drawn into one folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from deepfake_adv.files import read_json
from deepfake_adv.names import ALL_FORGERIES, Condition, Forgery, Quality
from deepfake_adv.reporting.contact_sheet import faces
from deepfake_adv.reporting.evidence import crowded as several_people
from deepfake_adv.reporting.evidence import pooled, trainings
from deepfake_adv.reporting.figures.calibration import Tests, draw_calibration, draw_costs
from deepfake_adv.reporting.figures.curves import draw_robustness, draw_roc, draw_training, read_csv
from deepfake_adv.reporting.figures.diagrams import draw_diagrams
from deepfake_adv.reporting.figures.grids import draw_grid, draw_pictures
from deepfake_adv.reporting.figures.heatmap import draw_heatmap
from deepfake_adv.reporting.order import place

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
        evaluations: Run -> content of its evaluation file, in the order of `order.py`.
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
        drawn["heatmap"] = (
            "AUC (%) of every run in every test condition, frame level. A panel has the runs of one training "
            "condition. Blank: not tested."
        )
    path = inputs.robustness / "detectors.json"
    if path.exists() and draw_robustness((found := read_json(path)).get("curves", []), folder, dpi=dpi):
        drawn["robustness"] = (
            f"AUC on {found['images']} test crops of {found['condition']}, the detectors’ training condition; crops "
            "are degraded more from left to right."
        )
    return drawn


def matrix(
    evaluations: Mapping[str, Mapping[str, Any]],
) -> tuple[np.ndarray[Any, Any], list[str], list[tuple[str, str]]]:
    """AUCs in percent, runs down, training and test conditions across; NaN where not run.

    A test condition that several datasets have is named with its dataset.
    """
    cells: dict[tuple[str, tuple[Condition, Condition, str]], float] = {}
    for run, evaluation in evaluations.items():
        for entry in evaluation["results"]:
            column = (Condition.parse(entry["train"]), Condition.parse(entry["test"], real=True), entry["dataset"])
            if entry["frame"]["auc"]["value"] is not None:
                cells[run, column] = entry["frame"]["auc"]["value"]
    runs = list(dict.fromkeys(run for run, _ in cells))
    columns = sorted({column for _, column in cells}, key=lambda each: (place(each[0]), place(each[1]), each[2]))
    values = np.full((len(runs), len(columns)), np.nan)
    for (run, column), value in cells.items():
        values[runs.index(run), columns.index(column)] = 100 * value
    homes: dict[Condition, set[str]] = {}
    for _, test, dataset in columns:
        homes.setdefault(test, set()).add(dataset)
    return (
        values,
        runs,
        [(str(train), f"{dataset} {test}" if len(homes[test]) > 1 else str(test)) for train, test, dataset in columns],
    )


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
        columns = _roc_columns([entry for run in shown for entry in evaluations[run]["results"]], train)
        name = _numbered("roc", drawn)
        if draw_roc(curves, columns, folder, dpi=dpi, name=name):
            drawn[name] = (
                f"ROC curves of {detectors[shown[0]]} trained on {train}, frame level, tested on each forgery at the "
                "training’s quality; the root scale widens the low rates of false positives. All other tests are in "
                "reports/roc."
            )
        chosen = [name for name in logs if name.split(" ")[:2] in [[run, train] for run in shown]]
        for start in range(0, len(chosen), _LINES):
            name = _numbered("training", drawn)
            if draw_training({each: logs[each] for each in chosen[start : start + _LINES]}, folder, dpi=dpi, name=name):
                drawn[name] = (
                    f"Training {detectors[shown[0]]} on {train}: loss, validation AUC and learning rate by epoch. "
                    "Losses of different methods have different terms and are not comparable."
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


def _roc_columns(entries: Iterable[Mapping[str, Any]], train: str) -> list[str]:
    """Columns ``<train>_to_<dataset>_<test>`` of ROC files for the tests of one forgery at the training quality.

    A training condition of all forgeries, or of all qualities, has its own test, which is pooled too.
    """
    known = Condition.parse(train)
    columns = {}
    for entry in entries:
        test = Condition.parse(entry["test"], real=True)
        single = test.quality in (known.quality, Quality.NATIVE) and test.forgery != ALL_FORGERIES
        if entry["train"] == train and (single or test == known):
            columns[f"{train}_to_{entry['dataset']}_{test}"] = None
    return list(columns)


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
    datasets = list(dict.fromkeys(entry["dataset"] for each in evaluations.values() for entry in each["results"]))
    crowded = {name for name, *_ in several_people(inputs.faces, datasets)}
    for dataset in datasets:
        pictures, rows, columns = faces(inputs.crops, dataset, targets=2)
        name = _numbered("corpus", drawn)
        if draw_grid(pictures, rows, columns, folder, name, dpi=dpi):
            drawn[name] = (
                f"Test faces of {dataset}: its first two target videos, at each quality. Each forged face is from the "
                "frame nearest to the real one’s."
            )
            if dataset in crowded:
                drawn[name] += " Where a video shows several people, the faces of a row may differ."
    return drawn
