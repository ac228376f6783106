"""Faces of the corpus for the report: one target, real and forged, at every quality."""

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from deepfake_adv.data.encoding import decode_crop
from deepfake_adv.names import REAL, Quality
from deepfake_adv.reporting.figures.grids import Picture

_COLUMNS = ["image", "target", "video", "frame", "encoding"]


def faces(crops: Path, dataset: str, *, targets: int) -> tuple[list[list[Picture]], list[str], list[str]]:
    """Pictures in rows (quality, target) and columns (real and each forgery), with their titles.

    Args:
        crops: Folder of <dataset>/<quality>/<forgery or real>-<split>-NNN.parquet.
        dataset: Which.
        targets: How many targets to show per quality.

    Returns:
        Pictures, row titles, column titles; empty where there are no crops of the test split.
    """
    rows: list[list[Picture]] = []
    titles: list[str] = []
    columns: list[str] = []
    order = [*map(str, Quality)]
    folders = [path for path in (crops / dataset).glob("*") if path.name in order]
    for folder in sorted(folders, key=lambda path: order.index(path.name)):
        files = {path.name.rsplit("-", 2)[0]: path for path in sorted(folder.glob("*-test-*.parquet"), reverse=True)}
        if REAL not in files:
            continue
        columns = columns or [REAL, *(name for name in sorted(files) if name != REAL)]
        known = pq.ParquetFile(files[REAL]).read(columns=["target"])["target"].to_pylist()
        for target in list(dict.fromkeys(known))[:targets]:
            pictures = [_first(files[name], target) for name in columns if name in files]
            if len(pictures) == len(columns) and all(picture is not None for picture in pictures):
                rows.append([picture for picture in pictures if picture is not None])
                titles.append(f"{folder.name}, {target}")
    return rows, titles, columns


def _first(path: Path, target: str) -> Picture | None:
    """The middle frame of a target's first video in a file of crops."""
    file = pq.ParquetFile(path)
    wanted = pc.equal(file.read(columns=["target"])["target"], target)
    places = pc.indices_nonzero(wanted).to_pylist()
    if not places:
        return None
    place = places[len(places) // 4]
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if place < size:
            row = file.read_row_group(group, columns=_COLUMNS).slice(place, 1).to_pylist()[0]
            return decode_crop(row["image"]["bytes"], row["encoding"])
        place -= size
    return None
