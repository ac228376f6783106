"""The matrix of AUCs: every run in every test condition."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from deepfake_adv.names import Condition
from deepfake_adv.reporting.figures.heatmap import draw_heatmap
from deepfake_adv.reporting.order import place
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work


def _draw(work: Work) -> Iterator[Shown]:
    if draw_heatmap(*matrix(work.evaluations), work.folder, dpi=work.dpi):
        yield Shown(
            "heatmap",
            "AUC (%) of every run in every test condition, frame level. A panel has the runs of one training "
            "condition. Blank: not tested.",
        )


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
    heads = [(train, f"{dataset} {test}" if len(homes[test]) > 1 else test) for train, test, dataset in columns]
    return values, runs, [(str(train), str(test)) for train, test in heads]


FIGURE: Final = FigureKind("summary", _draw)
