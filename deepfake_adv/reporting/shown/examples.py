"""Adversarial examples, kernel sizes and learned maps, from the stage `examples`."""

from collections.abc import Iterator
from typing import Final

from deepfake_adv.reporting.figures.grids import draw_pictures
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work

_CAPTIONS: Final = {
    "figure1": "Fig. 1. Adversarial examples against {source}: real faces left, forged faces right.",
    "maps": "Learned blur: the face, the map of σ by {source}, and the face blurred by it.",
    "figure4": "Fig. 4. Adversarial blur with windows of several widths, against {source}.",
}


def _draw(work: Work) -> Iterator[Shown]:
    for name, caption in _CAPTIONS.items():
        grid = draw_pictures(work.inputs.examples, name, work.folder, dpi=work.dpi)
        if grid is not None:
            yield Shown(name, caption.format(source=grid.get("source", "a trained detector")))


FIGURE: Final = FigureKind("examples", _draw)
