"""The files that `dvc plots show` reads, one per training and test condition.

DVC writes every column of a plot's file into its page, once per point; the runs' own ROC files have a column for each
of their conditions, so that a page of them would have hundreds of megabytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepfake_adv.files import write_csv
from deepfake_adv.names import Condition
from deepfake_adv.reporting.dvc_plots import belongs, panel_name
from deepfake_adv.reporting.figures.curves import read_csv


def write_curves(roc: Path, evaluations: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Write the panels' files, <train>_to_<dataset>_<test>.csv with columns run, fpr, tpr.

    Args:
        roc: Folder of the runs' ROC files.
        evaluations: Run -> content of its evaluation file.
        folder: Where the files go.
    """
    panels: dict[str, list[list[str]]] = {}
    for run, evaluation in evaluations.items():
        curves = read_csv(path) if (path := roc / f"{run}.csv").exists() else {}
        for entry in evaluation["results"]:
            train, test = Condition.parse(entry["train"]), Condition.parse(entry["test"], real=True)
            name = panel_name(train, entry["dataset"], test)
            if belongs(train, test) and name in curves:
                points = zip(curves["fpr"], curves[name], strict=True)
                panels.setdefault(name, []).extend([run, f"{x:g}", f"{y:.5f}"] for x, y in points)
    for name, rows in panels.items():
        write_csv(folder / f"{name}.csv", ("run", "fpr", "tpr"), rows)
