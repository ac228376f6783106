"""Detectors as their test crops are degraded."""

from collections.abc import Iterator
from typing import Final

from deepfake_adv.files import read_json
from deepfake_adv.reporting.figures.curves import draw_robustness
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work


def _draw(work: Work) -> Iterator[Shown]:
    path = work.inputs.robustness / "detectors.json"
    found = read_json(path) if path.exists() else {}
    if draw_robustness(found.get("curves", []), work.folder, dpi=work.dpi):
        yield Shown(
            "robustness",
            f"AUC on {found['images']} test crops of {found['condition']}, the detectors’ training condition; crops "
            "are degraded more from left to right.",
        )


FIGURE: Final = FigureKind("curves", _draw)
