"""The matrix of AUCs: test conditions across, runs down, a panel per training condition."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from numpy.typing import NDArray

from deepfake_adv.reporting.figures.style import panels, save, styled


def draw_heatmap(
    values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[tuple[str, str]], folder: Path, *, dpi: int
) -> bool:
    """AUC in percent as colour and number; cividis reads the same with any kind of colour vision.

    Args:
        values: ``(rows, columns)``, percent, NaN where nothing was run.
        rows: Runs.
        columns: Training and test condition; each training condition gets a panel.
        folder: Where the files go.
        dpi: Of the PNG.
    """
    if not np.isfinite(values).any():
        return False
    groups = {name: [k for k, (train, _) in enumerate(columns) if train == name] for name, _ in columns}
    lines = {train: np.flatnonzero(np.isfinite(values[:, members]).any(axis=1)) for train, members in groups.items()}
    groups = {train: members for train, members in groups.items() if len(lines[train])}
    across = max(map(len, groups.values()))
    tall = [0.95 + 0.27 * len(lines[train]) for train in groups]
    with styled():
        width = 2.2 + 0.52 * across
        figure, axes = panels(len(groups), 1, width=width, height=sum(tall) / len(tall), height_ratios=tall)
        for axis, (train, members) in zip(axes, groups.items(), strict=True):
            kept = lines[train].tolist()
            mesh = _panel(
                axis, values[np.ix_(kept, members)], [rows[k] for k in kept], [columns[k][1] for k in members]
            )
            axis.set_title(f"trained on {train}")
        bar = figure.colorbar(mesh, ax=axes, fraction=0.025, pad=0.015, label="AUC (%)", aspect=30)
        bar.outline.set_visible(False)
        table: list[list[object]] = [["run", *(f"{train} → {test}" for train, test in columns)]]
        table += [[name, *(f"{value:.2f}" for value in line)] for name, line in zip(rows, values, strict=True)]
        save(figure, folder, "heatmap", table, dpi=dpi)
    return True


def _panel(axis: Axes, values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str]) -> QuadMesh:
    colours = colormaps["cividis"]
    mesh = axis.pcolormesh(values, cmap=colours, vmin=40, vmax=100, edgecolors="none")
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            if np.isfinite(value):
                ink = "#000000" if sum(colours((value - 40) / 60)[:3]) > 1.5 else "#ffffff"
                axis.text(x + 0.5, y + 0.5, f"{value:.0f}", ha="center", va="center", fontsize=9, color=ink)
    axis.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=35, ha="right", rotation_mode="anchor")
    axis.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axis.invert_yaxis()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return mesh
