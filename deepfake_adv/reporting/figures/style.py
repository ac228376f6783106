"""The style of all figures: Okabe and Ito's colours, with markers and dashes besides; the same bytes every time.

A figure has a transparent background and is drawn in `INK`, so that the report can show the SVG in light and dark
mode; the PNG has a white background.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib

matplotlib.use("agg")

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfake_adv.files import atomic_write, write_csv

INK: Final = "#20242b"
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a")
DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (1, 2)))
MARKS: Final = ("o", "s", "^", "D", "v", "P", "X")
_LEGEND_COLUMNS: Final = 4

_RC: Final[Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "svg.fonttype": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style."""
    with rc_context(_RC):
        yield


def line(index: int) -> dict[str, Any]:
    """Colour, dash and marker of the n-th line, distinguishable without colour."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKS[index % len(MARKS)],
    }


def panels(rows: int, columns: int, *, width: float, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A grid of axes, inches per panel; its axes row by row."""
    figure = Figure(figsize=(columns * width, rows * height))
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [axis for each in axes for axis in each]


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all axes, each label once, in as many columns as the figure's width holds."""
    found = [axis.get_legend_handles_labels() for axis in axes]
    handles = {label: handle for each in found for handle, label in zip(*each, strict=True)}
    for columns in range(_LEGEND_COLUMNS, 0, -1):
        legend = figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def save(figure: Figure, folder: Path, name: str, table: Sequence[Sequence[Any]], *, dpi: int) -> None:
    """Write <name>.png, <name>.svg and <name>.csv.

    Args:
        figure: Drawn within `styled`.
        folder: Made where absent.
        name: Of the files.
        table: The figure's data, the heading first.
        dpi: Of the PNG.
    """
    with rc_context({**_RC, "svg.hashsalt": name}):
        with atomic_write(folder / f"{name}.svg") as path:
            figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
            path.write_text(_lean(path.read_text(encoding="utf-8")), encoding="utf-8")
        with atomic_write(folder / f"{name}.png") as path:
            figure.savefig(path, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    write_csv(folder / f"{name}.csv", table[0], table[1:])


def _lean(svg: str) -> str:
    """The SVG without document head and metadata, which refer to a DTD on the network."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    return svg[svg.index("<svg") :]
