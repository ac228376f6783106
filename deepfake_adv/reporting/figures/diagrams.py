"""Figs. 2 and 3 drawn by code: the two-generator blur training, and its combination with FGSM."""

from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from deepfake_adv.reporting.figures.style import COLOURS, INK, panels, save, styled

Box = tuple[float, float, str, str]
Arrow = tuple[str, str, str, float]  # from, to, label, height of a way around (0: straight)

_WIDTH: Final = 1.7
_HEIGHT: Final = 0.62
_ACROSS: Final = 14.9
_INCHES: Final = 0.94  # per unit
_LABEL: Final = 13  # points; its exponents have 0.7 of that

_FIG2_BOXES: Final[dict[str, Box]] = {
    "real": (0, 2, "real images", COLOURS[0]),
    "fake": (0, 0, "fake images", COLOURS[1]),
    "g_r": (2.6, 2, "generator $G_r$", COLOURS[2]),
    "g_f": (2.6, 0, "generator $G_f$", COLOURS[2]),
    "s_r": (5.2, 2, "map $1/\\sigma^{adv}$", COLOURS[4]),
    "s_f": (5.2, 0, "map $1/\\sigma^{adv}$", COLOURS[4]),
    "blur": (7.8, 1, "pixel-wise\nGaussian blur", INK),
    "det": (10.4, 1, "detector $\\theta_D$", COLOURS[3]),
    "loss": (13.0, 1, "$L(x)+L(x^{adv})$", INK),
}
_FIG2_ARROWS: Final[tuple[Arrow, ...]] = (
    ("real", "g_r", "", 0),
    ("fake", "g_f", "", 0),
    ("g_r", "s_r", "", 0),
    ("g_f", "s_f", "", 0),
    ("s_r", "blur", "", 0),
    ("s_f", "blur", "", 0),
    ("blur", "det", "$x^{adv}$", 0),
    ("det", "loss", "", 0),
    ("real", "det", "$x$", 2.75),
    ("fake", "det", "$x$", -0.75),
)

_FIG3_BOXES: Final[dict[str, Box]] = {
    "x": (0, 1, "images $x$", COLOURS[0]),
    "g": (2.6, 2, "generators\n$G_r$, $G_f$", COLOURS[2]),
    "blur": (5.2, 1, "blur by $\\sigma^{adv}$", COLOURS[4]),
    "fgsm": (7.8, 1, "$+\\,\\epsilon\\,\\mathrm{sign}\\,\\nabla_x L$", COLOURS[1]),
    "det": (10.4, 1, "detector $\\theta_D$", COLOURS[3]),
    "loss": (13.0, 1, "$L(x)+\\lambda L(x^{adv2})$", INK),
}
_FIG3_ARROWS: Final[tuple[Arrow, ...]] = (
    ("x", "g", "", 0),
    ("g", "blur", "$\\sigma^{adv}$", 0),
    ("x", "blur", "", 0),
    ("blur", "fgsm", "$x^{adv1}$", 0),
    ("fgsm", "det", "$x^{adv2}$", 0),
    ("det", "loss", "", 0),
    ("det", "fgsm", "$\\nabla_x L$", 1.75),
)


def draw_diagrams(folder: Path, *, dpi: int) -> None:
    """Write figure2 and figure3."""
    _draw(_FIG2_BOXES, _FIG2_ARROWS, folder, "figure2", dpi)
    _draw(_FIG3_BOXES, _FIG3_ARROWS, folder, "figure3", dpi)


def _draw(boxes: dict[str, Box], arrows: tuple[Arrow, ...], folder: Path, name: str, dpi: int) -> None:
    with styled():
        heights = [y for _, y, *_ in boxes.values()] + [around for *_, around in arrows if around]
        low, high = min(heights) - _HEIGHT, max(heights) + _HEIGHT
        figure, (axis,) = panels(1, 1, width=_INCHES * _ACROSS, height=_INCHES * (high - low))
        for x, y, label, colour in boxes.values():
            _box(axis, x, y, label, colour)
        for start, end, label, bend in arrows:
            _arrow(axis, boxes[start], boxes[end], label, bend)
        axis.set_xlim(-_WIDTH / 2 - 0.1, _ACROSS - _WIDTH / 2 - 0.1)
        axis.set_ylim(low, high)
        axis.axis("off")
        table: list[list[Any]] = [["from", "to", "carries"]]
        table += [[boxes[a][2].replace("\n", " "), boxes[b][2].replace("\n", " "), label] for a, b, label, _ in arrows]
        save(figure, folder, name, table, dpi=dpi)


def _box(axis: Axes, x: float, y: float, label: str, colour: str) -> None:
    corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
    style = "round,pad=0,rounding_size=0.12"
    axis.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle=style, fc=colour, ec="none", alpha=0.13))
    axis.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle=style, fc="none", ec=colour, lw=1.6))
    axis.text(x, y, label, ha="center", va="center", fontsize=_LABEL)


def _arrow(axis: Axes, start: Box, end: Box, label: str, around: float) -> None:
    (x0, y0), (x1, y1) = start[:2], end[:2]
    tail, tip = (x0 + _WIDTH / 2, y0), (x1 - _WIDTH / 2, y1)
    middle = ((tail[0] + tip[0]) / 2, (tail[1] + tip[1]) / 2)
    if around:
        side = _HEIGHT / 2 if around > y0 else -_HEIGHT / 2
        axis.plot([x0, x0, x1], [y0 + side, around, around], color=INK, lw=1.4, solid_capstyle="butt")
        tail, tip = (x1, around), (x1, y1 + (_HEIGHT / 2 if around > y1 else -_HEIGHT / 2))
        middle = ((x0 + x1) / 2, around)
    axis.add_patch(
        FancyArrowPatch(tail, tip, arrowstyle="-|>", mutation_scale=14, lw=1.4, color=INK, shrinkA=0, shrinkB=1)
    )
    if label:
        aside = 0 if around or y0 == y1 else 0.15  # of a slanting arrow, whose head is below its label
        axis.text(middle[0] + aside, middle[1] + 0.14, label, ha="left" if aside else "center", fontsize=_LABEL)
