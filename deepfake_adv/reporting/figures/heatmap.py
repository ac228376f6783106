"""The matrix of AUCs: conditions across, methods down."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from deepfake_adv.reporting.figures.style import panels, save, styled


def draw_heatmap(
    values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], folder: Path, *, dpi: int
) -> bool:
    """AUC in percent as colour and number; cividis reads the same with any kind of colour vision.

    Args:
        values: ``(rows, columns)``, percent, NaN where nothing was run.
        rows: Runs.
        columns: "<train> → <test>".
        folder: Where the files go.
        dpi: Of the PNG.
    """
    if not np.isfinite(values).any():
        return False
    with styled():
        width, height = 1.9 + 0.46 * len(columns), 1.1 + 0.27 * len(rows)
        figure, (axis,) = panels(1, 1, width=width, height=height)
        colours = colormaps["cividis"]
        mesh = axis.pcolormesh(values, cmap=colours, vmin=40, vmax=100, edgecolors="none")
        for y, line in enumerate(values):
            for x, value in enumerate(line):
                if np.isfinite(value):
                    bright = sum(colours((value - 40) / 60)[:3]) > 1.5
                    ink = "#000000" if bright else "#ffffff"
                    axis.text(x + 0.5, y + 0.5, f"{value:.0f}", ha="center", va="center", fontsize=7, color=ink)
        axis.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=55, ha="right", rotation_mode="anchor")
        axis.set_yticks(np.arange(len(rows)) + 0.5, rows)
        axis.invert_yaxis()
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        bar = figure.colorbar(mesh, ax=axis, fraction=0.025, pad=0.015, label="AUC (%)")
        bar.outline.set_visible(False)
        table: list[list[object]] = [["run", *columns]]
        table += [[name, *(f"{value:.2f}" for value in line)] for name, line in zip(rows, values, strict=True)]
        save(figure, folder, "heatmap", table, dpi=dpi)
    return True
