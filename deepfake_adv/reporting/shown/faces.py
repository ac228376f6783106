"""A contact sheet of every dataset that has crops of its test videos."""

from collections.abc import Iterator
from typing import Final

from deepfake_adv.reporting.contact_sheet import faces
from deepfake_adv.reporting.evidence import crowded
from deepfake_adv.reporting.figures.grids import draw_grid
from deepfake_adv.reporting.shown.base import FigureKind, Shown, Work, numbered

_TARGETS: Final = 2  # of each dataset


def _draw(work: Work) -> Iterator[Shown]:
    entries = (entry for each in work.evaluations.values() for entry in each["results"])
    datasets = list(dict.fromkeys(entry["dataset"] for entry in entries))
    several = {name for name, *_ in crowded(work.inputs.faces, datasets)}
    drawn = 0
    for dataset in datasets:
        pictures, rows, columns = faces(work.inputs.crops, dataset, targets=_TARGETS)
        name = numbered("faces", drawn)
        if draw_grid(pictures, rows, columns, work.folder, name, dpi=work.dpi):
            drawn += 1
            caption = (
                f"Test faces of {dataset}: {_TARGETS} of its target videos, at each quality. Each forged face is from "
                "the frame nearest to the real one’s."
            )
            if dataset in several:
                caption += " Where a video shows several people, the faces of a row may differ."
            yield Shown(name, caption)


FIGURE: Final = FigureKind("faces", _draw)
