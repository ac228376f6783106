"""Files whose labels are known: those of a table, or of a dataset that params.yaml configures."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.datasets.layouts.csv_table import CsvTable
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.tables import explained
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.names import Split

logger = logging.getLogger(__name__)

ALL: Final = "all"
COLUMNS: Final = {
    "path": "a video, a picture, or a folder with the frames of one video; relative to the table's folder",
    "label": "real or fake, or 0 or 1",
    "split": "train, val or test; only test is evaluated unless --split says otherwise (optional)",
    "forgery": "how a fake was made: DF, F2F, FS, NT, … or other (optional)",
    "quality": "raw, c23, c40 or native (optional)",
    "source": "whose face was put onto a fake: an identity, or a video (optional)",
    "mask": "video of the forged region; not read here (optional)",
    "target": "who is seen in it: an identity, or the original video of a fake (optional)",
}
"""Columns of a table with their meaning."""
EXPLAINED: Final = ("Columns of a table of labelled files:", *explained(COLUMNS))
"""Lines of the help, and of the error of a wrong table."""
_TOLD: Final = "\n".join(EXPLAINED)


class LabelledFile(NamedTuple):
    """A file with what is known of it."""

    path: Path
    quality: str
    entry: VideoEntry


class Configured(NamedTuple):
    """A dataset of params.yaml: see `build_layout`; `qualities` are those of its parts."""

    layout: str
    root: str
    forgeries: Sequence[str]
    options: Mapping[str, Any]
    qualities: Sequence[str]


def read_labelled(data: str, datasets: Mapping[str, Configured], split: str = Split.TEST) -> list[LabelledFile]:
    """The files to evaluate.

    Args:
        data: A table, see `COLUMNS`, or the name of a dataset.
        datasets: Those of params.yaml.
        split: Which split; "all" for every one.

    Raises:
        FileNotFoundError: If there is no such table or dataset, or none of its files exists.
        ValueError: If the table has errors, or nothing is in the split.
    """
    if Path(data).is_file():
        table = Path(data).absolute()
        listed = CsvTable(table.parent, table=str(table))
        try:
            found = list(_files(listed, listed.qualities()))
        except ValueError as error:
            raise ValueError(f"{error}\n{_TOLD}") from error
    elif data in datasets:
        chosen = datasets[data]
        layout = build_layout(chosen.layout, chosen.root, chosen.forgeries, chosen.options)
        if (problem := layout.problem()) is not None:
            raise FileNotFoundError(f"dataset {data} must be on this machine; {problem}. {layout.how_to_get}.")
        found = list(_files(layout, chosen.qualities))
    else:
        known = ", ".join(datasets) or "none, since there is no params.yaml here"
        raise FileNotFoundError(
            f"data must be a table or a dataset of params.yaml; found neither at {data!r}. Datasets: {known}.\n{_TOLD}"
        )
    return _check(data, found, split)


def _files(layout: Layout, qualities: Iterable[str]) -> Iterator[LabelledFile]:
    for quality in qualities:
        for entry in layout.videos(quality):
            yield LabelledFile(layout.root / entry.path, quality, entry)


def _check(data: str, found: Sequence[LabelledFile], split: str) -> list[LabelledFile]:
    chosen = [one for one in found if split in (ALL, one.entry.split)]
    if not chosen:
        counts = Counter(one.entry.split or "none" for one in found)
        held = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        raise ValueError(f"{data} must hold files of split {split}; got {held or 'no file'}. Name another by --split.")
    if len(chosen) < len(found):
        logger.info("%d of %d files are of split %s; the others are left out", len(chosen), len(found), split)
    if partial := [one for one in chosen if one.entry.taken]:
        raise ValueError(
            f"{data} must list whole files and folders; got {partial[0].path}, of which only some images count. "
            "Evaluate it in the pipeline, by `dvc repro`."
        )
    if not any(one.path.exists() for one in chosen):
        raise FileNotFoundError(
            f"{data} must list files on this machine; found none of {len(chosen)}, such as {chosen[0].path}. Paths are "
            "relative to the table's folder, or to a dataset's root."
        )
    return chosen
