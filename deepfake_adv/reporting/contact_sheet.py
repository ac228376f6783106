"""Faces of the corpus for the report: one target, real and forged, at every quality."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from deepfake_adv.crops.codec import decode_crop
from deepfake_adv.names import REAL, Quality
from deepfake_adv.reporting.figures.grids import Picture

_COLUMNS = ["image", "encoding"]


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
            pictures = _row([files[name] for name in columns if name in files], target)
            if len(pictures) == len(columns):
                rows.append(pictures)
                titles.append(f"{folder.name}, {target}")
    return rows, titles, columns


def _row(paths: Sequence[Path], target: str) -> list[Picture]:
    """A target's real crop and, nearest to it in time, its forged ones; empty where a file has none of it.

    Args:
        paths: Files of crops, that of the reals first.
        target: Whose first video in each file to look at.
    """
    pictures: list[Picture] = []
    moment: int | None = None
    for path in paths:
        file = pq.ParquetFile(path)
        frames = _frames(file, target)
        if not frames:
            return []
        if moment is None:
            moment = list(frames.values())[len(frames) // 4]  # at a half, the demo's first face shuts its eyes
        _, place = min((abs(frame - moment), row) for row, frame in frames.items())
        pictures.append(_crop(file, place))
    return pictures


def _frames(file: pq.ParquetFile, target: str) -> dict[int, int]:
    """Row in the file to frame number, of a target's first video."""
    table = file.read(columns=["target", "video", "frame"])
    places = pc.indices_nonzero(pc.equal(table["target"], target))
    chosen = table.take(places).to_pydict()
    named = zip(places.to_pylist(), chosen["video"], chosen["frame"], strict=True)
    return {row: frame for row, video, frame in named if video == chosen["video"][0]}


def _crop(file: pq.ParquetFile, place: int) -> Picture:
    """The crop at a row, of which only the row group is read."""
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if place < size:
            row = file.read_row_group(group, columns=_COLUMNS).slice(place, 1).to_pylist()[0]
            return decode_crop(row["image"]["bytes"], row["encoding"])
        place -= size
    raise AssertionError(f"{place} rows beyond the end")
