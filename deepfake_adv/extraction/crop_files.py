"""The parquet files of a part's crops: which videos share one, and how it is put together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.crops.schema import CROP_WRITE_OPTIONS, ROW_GROUP, crop_schema
from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.extraction.pieces import Pieces, gather
from deepfake_adv.files import atomic_write

ROWS_PER_FILE: Final = 4096
"""Crops per file, about: 130 MB of i420 and 250 MB of WebP at FaceForensics++'s sizes."""


@dataclass(frozen=True)
class CropFile:
    """A file of the output: whole videos of one forgery and split."""

    name: str
    videos: tuple[str, ...]


def plan_files(rows: Sequence[VideoRow], counts: Mapping[str, int], rows_per_file: int) -> list[CropFile]:
    """Assign whole videos to files, in the order of forgery, split and video.

    Args:
        rows: The videos.
        counts: Sampled frames by video.
        rows_per_file: A file takes whole videos until it has this many frames.

    Raises:
        ValueError: If `rows_per_file` is below 1.
    """
    if rows_per_file < 1:
        raise ValueError(f"rows_per_file must be at least 1; got {rows_per_file}. Use {ROWS_PER_FILE}.")
    files: list[CropFile] = []
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        kinds[row.forgery, row.split].append(row.video)
    for (forgery, split), videos in sorted(kinds.items()):
        held: list[str] = []
        number = size = 0
        for video in sorted(videos):
            if held and size + counts[video] > rows_per_file:
                files.append(CropFile(f"{forgery}-{split}-{number:03d}.parquet", tuple(held)))
                held, number, size = [], number + 1, 0
            held.append(video)
            size += counts[video]
        files.append(CropFile(f"{forgery}-{split}-{number:03d}.parquet", tuple(held)))
    return files


def join_file(folder: Path, file: CropFile, pieces: Pieces) -> None:
    """Put the videos of a file together in `folder`, then delete their pieces; reports stay to the end.

    A file of which no face was found is never written.
    """
    paths = [path for path in map(pieces.path, file.videos) if path.exists()]
    if sum(pq.read_metadata(path).num_rows for path in paths):
        schema = crop_schema()
        with (
            atomic_write(folder / file.name) as temporary,
            pq.ParquetWriter(temporary, schema, **CROP_WRITE_OPTIONS) as writer,
        ):
            for table in gather(paths, None, at_least=ROW_GROUP):
                writer.write_table(pa.Table.from_arrays(table.columns, schema=schema), row_group_size=ROW_GROUP)
    for path in paths:
        path.unlink()
