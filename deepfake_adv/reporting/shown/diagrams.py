"""The paper's Figs. 2 and 3, drawn by code."""

from collections.abc import Iterator
from typing import Final

from deepfake_adv.reporting.figures.diagrams import draw_diagrams
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work


def _draw(work: Work) -> Iterator[Shown]:
    draw_diagrams(work.folder, dpi=work.dpi)
    yield Shown("figure2", "Fig. 2. Blurring adversarial training with two generators.")
    yield Shown("figure3", "Fig. 3. Combined adversarial training: blur first, then the additive perturbation.")


FIGURE: Final = FigureKind("examples", _draw)
