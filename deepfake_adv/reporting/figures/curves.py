"""ROC curves, training curves, robustness curves."""

import csv
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from deepfake_adv.reporting.figures.style import legend_below, line, panels, save, styled

_COLUMNS: Final = 4
_TITLE: Final = 26  # characters of a panel's title in one line


def read_csv(path: Path) -> dict[str, list[float]]:
    """Columns of numbers; a field that is not one is NaN."""
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    return {name: [_float(row[k]) for row in rows[1:]] for k, name in enumerate(rows[0])}


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def draw_roc(
    curves: Mapping[str, Mapping[str, Sequence[float]]],
    columns: Sequence[str],
    folder: Path,
    *,
    dpi: int,
    name: str = "roc",
) -> bool:
    """One panel per test condition, one line per run; false positives on a root scale that opens the strict end.

    Args:
        curves: Run -> columns of its ROC file (`fpr` and one per condition).
        columns: Names of the columns to draw, those that no run has are left out.
        folder: Where the files go.
        dpi: Of the PNG.
        name: Of the files.
    """
    drawn = [column for column in columns if any(column in columns_of for columns_of in curves.values())]
    if not drawn:
        return False
    with styled():
        across = min(_COLUMNS, len(drawn))
        figure, axes = panels(-(-len(drawn) // across), across, width=2.4, height=2.45, sharex=True, sharey=True)
        table: list[list[Any]] = [["condition", "run", "fpr", "tpr"]]
        for axis, column in zip(axes, drawn, strict=False):
            for index, (run, found) in enumerate(curves.items()):
                if column in found:
                    look = line(index) | {"marker": ""}
                    axis.plot(np.sqrt(found["fpr"]), found[column], label=run, **look)
                    table += [[column, run, x, y] for x, y in zip(found["fpr"], found[column], strict=True)]
            ticks = [0.01, 0.1, 0.3, 0.6, 1]
            axis.set_xticks(np.sqrt(ticks), [f"{tick:g}" for tick in ticks])
            axis.plot(np.sqrt(np.linspace(0, 1, 50)), np.linspace(0, 1, 50), color="#7a7a7a", lw=0.7, ls=":")
            axis.set_title(titled(column))
            axis.grid(True)
        for axis in axes[len(drawn) :]:
            axis.set_visible(False)
        for axis in axes[max(len(drawn) - across, 0) : len(drawn)]:
            axis.set_xlabel("false positive rate (root scale)")
            axis.tick_params(labelbottom=True)
        axes[0].set_ylabel("true positive rate")
        legend_below(figure, axes)
        save(figure, folder, name, table, dpi=dpi)
    return True


def titled(column: str) -> str:
    """Title of a panel, in lines that fit it: the test set of a ROC file's column."""
    return textwrap.fill(column.partition("_to_")[2].replace("_", " "), _TITLE)


def draw_training(
    logs: Mapping[str, Mapping[str, Sequence[float]]], folder: Path, *, dpi: int, name: str = "training"
) -> bool:
    """Loss, validation AUC and learning rate per epoch, one line per training.

    Args:
        logs: "<run> <condition> seed<k>" -> columns of its log; the legend leaves the condition out.
        folder: Where the files go.
        dpi: Of the PNG.
        name: Of the files.
    """
    if not logs:
        return False
    shown = {"loss": "training loss", "val_auc": "validation AUC", "lr": "learning rate"}
    with styled():
        figure, axes = panels(1, len(shown), width=2.4, height=2.5)
        table: list[list[Any]] = [["training", "epoch", *shown]]
        for index, (training, log) in enumerate(logs.items()):
            run, _, seed = training.split(" ")
            for axis, column in zip(axes, shown, strict=True):
                if column in log:
                    axis.plot(log["epoch"], log[column], label=f"{run}, {seed.replace('seed', 'seed ')}", **line(index))
            blank = [float("nan")] * len(log["epoch"])
            table += [[training, *row] for row in zip(log["epoch"], *(log.get(c, blank) for c in shown), strict=True)]
        for axis, (column, title) in zip(axes, shown.items(), strict=True):
            axis.set_title(title)
            axis.set_xlabel("epoch")
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            axis.grid(True)
            if column == "lr":  # numbers such as 0.001: a power's exponent would be too small to read
                axis.set_yscale("log")
                axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.yaxis.set_major_formatter("{x:g}")
                axis.yaxis.set_minor_formatter(NullFormatter())
        legend_below(figure, axes)
        save(figure, folder, name, table, dpi=dpi)
    return True


def draw_robustness(rows: Sequence[Mapping[str, Any]], folder: Path, *, dpi: int) -> bool:
    """AUC of each run against the level of each degradation.

    Args:
        rows: Objects with run, degradation, level and auc (percent).
        folder: Where the files go.
        dpi: Of the PNG.
    """
    if not rows:
        return False
    kinds = list(dict.fromkeys(row["degradation"] for row in rows))
    runs = list(dict.fromkeys(row["run"] for row in rows))
    titles = {
        "jpeg": "JPEG quality",
        "blur": "blur, σ in px",
        "noise": "noise, 8-bit σ",
        "resize": "resize factor",
        "crf": "H.264 crf",
    }
    with styled():
        figure, axes = panels(1, len(kinds), width=1.95, height=2.5, sharey=True)
        for axis, kind in zip(axes, kinds, strict=True):
            levels = list(dict.fromkeys(row["level"] for row in rows if row["degradation"] == kind))
            for index, run in enumerate(runs):
                points = [
                    (levels.index(r["level"]), r["auc"]) for r in rows if (r["degradation"], r["run"]) == (kind, run)
                ]
                axis.plot(*zip(*points, strict=True), label=run, **line(index))
            axis.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
            axis.set_title(titles.get(kind, kind))
            axis.axhline(50, color="#7a7a7a", lw=0.7, ls=":")
            axis.grid(True)
        axes[0].set_ylabel("AUC (%)")
        legend_below(figure, axes)
        table = [["run", "degradation", "level", "auc"]]
        table += [[row["run"], row["degradation"], row["level"], round(row["auc"], 4)] for row in rows]
        save(figure, folder, "robustness", table, dpi=dpi)
    return True
