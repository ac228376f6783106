"""Where a video's rows lie in the table of boxes, found once for all videos, and those rows read alone.

A filter on the video would parse the table's footer for every video, and the footer grows with the videos.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.parquet import whole_file

CORNERS: Final = ("x0", "y0", "x1", "y1")

Runs = tuple[tuple[int, int], ...]
"""First row and number of rows, of each stretch of a table."""

_COLUMNS: Final = ["frame", *CORNERS, "detected", "landmarks"]


def find_boxes(path: Path, quality: str) -> dict[str, Runs]:
    """Where the boxes of each video lie that are for all qualities or for this one.

    Raises:
        ValueError: If the file is no whole parquet file.
    """
    with _whole(path):
        table = pq.read_table(path, columns=["video", "quality"], read_dictionary=["video", "quality"])
    encoded = table["video"].unify_dictionaries().combine_chunks()
    qualities = table["quality"].unify_dictionaries().combine_chunks()
    codes, names = encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()
    wanted = qualities.dictionary.index(quality).as_py()  # -1 where no row is for this quality alone
    own = np.asarray(qualities.is_null()) | (qualities.indices.fill_null(-2).to_numpy() == wanted)
    codes[~own] = -1
    starts = np.flatnonzero(np.diff(codes, prepend=-2))
    ends = np.append(starts[1:], len(codes))
    runs: dict[str, Runs] = {}
    for code, start, end in zip(codes[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        if code >= 0:
            runs[names[code]] = (*runs.get(names[code], ()), (start, end - start))
    return runs


def read_boxes(path: Path, runs: Runs) -> dict[int, dict[str, Any]]:
    """The box rows of one video by frame; `runs` as `find_boxes` gives them.

    Raises:
        ValueError: If the file is no whole parquet file.
    """
    status = path.stat()
    with _whole(path):
        file, bounds = _opened(path, status.st_size, status.st_mtime_ns)
        tables = [_rows(file, bounds, start, count) for start, count in runs]
    return {box["frame"]: box for table in tables for box in table.to_pylist()}


def _rows(file: pq.ParquetFile, bounds: NDArray[np.int64], start: int, count: int) -> pa.Table:
    first, last = (int(np.searchsorted(bounds, row, side="right")) - 1 for row in (start, start + count - 1))
    table = file.read_row_groups(list(range(first, last + 1)), columns=_COLUMNS, use_threads=False)
    return table.slice(start - int(bounds[first]), count)


@lru_cache(maxsize=1)
def _opened(path: Path, size: int, modified: int) -> tuple[pq.ParquetFile, NDArray[np.int64]]:
    """The table and the first row of each row group; once per worker process and state of the file."""
    file = pq.ParquetFile(path)
    sizes: Sequence[int] = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return file, np.cumsum([0, *sizes])


def _whole(path: Path) -> Any:
    return whole_file(path, "box table", "run `dvc repro locate`")
