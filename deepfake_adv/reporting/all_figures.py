"""Every figure of the report. One more is one more file in `shown`, named in `FIGURES`."""

from typing import Final, NamedTuple

from deepfake_adv.reporting.shown import calibration, diagrams, examples, faces, heatmap, robustness, roc, training
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work

FIGURES: Final[tuple[FigureKind, ...]] = (
    heatmap.FIGURE,
    faces.FIGURE,
    roc.FIGURE,
    training.FIGURE,
    robustness.FIGURE,
    calibration.COSTS,
    calibration.RATIOS,
    examples.FIGURE,
    diagrams.FIGURE,
)
"""In the order in which a section of the page shows them."""


class FigureGroup(NamedTuple):
    """The figures of one kind, at least one, and the line under which all but the first are folded."""

    more: str
    figures: list[Shown]


def draw_all(work: Work) -> dict[str, list[FigureGroup]]:
    """Draw every figure for which there is data: section of the page -> its groups."""
    sections: dict[str, list[FigureGroup]] = {}
    for figure in FIGURES:
        if drawn := list(figure.draw(work)):
            sections.setdefault(figure.section, []).append(FigureGroup(figure.more, drawn))
    return sections
