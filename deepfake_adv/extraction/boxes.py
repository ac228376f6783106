"""The tables that `locate` leaves: boxes.parquet, which `crop` reads video by video; misses.csv; videos.csv."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.crops.record import record_metadata
from deepfake_adv.extraction.task_files import TaskFiles
from deepfake_adv.faces.track import DROPPED, SEEN
from deepfake_adv.files import atomic_write, read_csv, write_csv
from deepfake_adv.parquet import WRITE_OPTIONS, encode_texts, parquet_errors, read_in_multiples

logger = logging.getLogger(__name__)

BOXES: Final = "boxes.parquet"
MISSES: Final = "misses.csv"
VIDEOS: Final = "videos.csv"

CORNERS: Final = ("x0", "y0", "x1", "y1")

BOX_SCHEMA: Final = pa.schema(
    [
        ("dataset", pa.string()),  # an entry of params.yaml
        ("target", pa.string()),  # whose video it is
        ("video", pa.string()),  # forgery or real, and its name: DF/000_001
        ("quality", pa.string()),  # the quality that the box was found in and is for; null where it is for all of them
        ("frame", pa.int32()),  # absolute index in the decoded video
        *((corner, pa.float32()) for corner in CORNERS),  # pixels of the frame; null where the frame was dropped
        ("confidence", pa.float32()),  # the locator's, in its own unit
        ("detected", pa.bool_()),  # false: filled in between two detections
        ("landmarks", pa.list_(pa.float32())),  # pixels of the frame
    ]
)

RowRanges = tuple[tuple[int, int], ...]
"""First row and number of rows of each range of a table's rows."""

_BOX_COLUMNS: Final = ["frame", *CORNERS, "detected", "landmarks"]
_ROW_GROUP: Final = 16_384
_NAMED: Final = 10  # videos named in one line of the log
_MISS_COLUMNS: Final = ("dataset", "target", "video", "quality", "frame", "action", "reason")
_VIDEO_COLUMNS: Final = (
    "dataset", "target", "video", "quality", "shots", "others", "asked", "detected", "filled", "dropped",
    "missed_share", "named",
)  # fmt: skip
_COUNTS: Final = ("asked", "detected", "filled", "dropped")


def write_tables(
    folder: Path, files: TaskFiles, *, warn_missed_share: float, record: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Join the files of all groups into the three tables, a few at a time; the boxes last, as they mark the end.

    Args:
        folder: To write into.
        files: What `locate_group` left, a file per group.
        warn_missed_share: Share of a video's frames without a detected face above which its line is marked "named".
        record: How the boxes were found; see `crops.record`.
    """

    def misses() -> Iterator[Mapping[str, Any]]:
        for path in files.paths():
            table = pq.read_table(path, columns=list(_MISS_COLUMNS))
            yield from table.filter(pc.not_equal(table["action"], SEEN)).to_pylist()

    write_csv(folder / MISSES, _MISS_COLUMNS, misses())
    write_csv(folder / VIDEOS, _VIDEO_COLUMNS, _video_lines(files, warn_missed_share))
    with (
        atomic_write(folder / BOXES) as temporary,
        pq.ParquetWriter(temporary, BOX_SCHEMA.with_metadata(record_metadata(record)), **WRITE_OPTIONS) as writer,
    ):
        for table in read_in_multiples(files.paths(), BOX_SCHEMA.names, rows=_ROW_GROUP):
            writer.write_table(table.cast(BOX_SCHEMA), row_group_size=_ROW_GROUP)


def _video_lines(files: TaskFiles, warn_missed_share: float) -> Iterator[Mapping[str, Any]]:
    names = ["dataset", "target", "video", "quality", "shots", "others"]
    for path in files.paths():
        table = pq.read_table(path, columns=[*names, "action"])
        marks = {
            "asked": pa.array([1] * len(table)),
            "detected": pc.equal(table["action"], SEEN).cast(pa.int64()),
            "dropped": pc.equal(table["action"], DROPPED).cast(pa.int64()),
        }
        counted = pa.table({name: table[name] for name in names} | marks)
        sums = counted.group_by(names, use_threads=False).aggregate([(name, "sum") for name in marks])
        for row in sums.to_pylist():
            asked, detected, dropped = (row.pop(f"{name}_sum") for name in marks)
            share = 1 - detected / asked
            counts = {"asked": asked, "detected": detected, "filled": asked - detected - dropped, "dropped": dropped}
            yield row | counts | {"missed_share": f"{share:.3f}", "named": int(share > warn_missed_share)}


def read_videos(folder: Path) -> list[dict[str, str]]:
    """Lines of videos.csv."""
    return list(read_csv(folder / VIDEOS))


def total_counts(videos: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Numbers of frames sampled, detected, filled and dropped, over all videos."""
    return {name: sum(int(video[name]) for video in videos) for name in _COUNTS}


def log_missed(dataset: str, videos: Sequence[Mapping[str, str]], warn_missed_share: float) -> None:
    """Name in the log the videos in which the face was missed too often; count the videos that show other people."""
    named = [video for video in videos if video["named"] == "1"]
    named.sort(key=lambda video: -float(video["missed_share"]))
    if named:
        listed = ", ".join(f"{video['video']} ({float(video['missed_share']):.0%})" for video in named[:_NAMED])
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        logger.warning(
            "%s: no face was detected in more than %.0f%% of the frames of %s%s. Look at them, or leave them out.",
            dataset, 100 * warn_missed_share, listed, more,
        )  # fmt: skip
    crowded = [video for video in videos if int(video["others"] or 0)]
    if crowded:
        others = sum(int(video["others"]) for video in crowded)
        logger.info(
            "%s: %d of %d videos show other faces than the one taken, %d tracks of them; %s for one",
            dataset, len(crowded), len(videos), others, crowded[0]["video"],
        )  # fmt: skip


def find_boxes(path: Path, quality: str) -> dict[str, RowRanges]:
    """Rows of each video in the box table, of boxes for all qualities or for this one.

    Found once for all videos: a filter on the video would parse the table's footer, which grows with the videos, for
    every video.

    Raises:
        ValueError: If the file is no parquet file or is damaged.
    """
    with parquet_errors(path, "box table", "run `dvc repro locate`"):
        table = pq.read_table(path, columns=["video", "quality"], read_dictionary=["video", "quality"])
    codes, names = encode_texts(table["video"])
    quality_codes, qualities = encode_texts(table["quality"])
    wanted = qualities.index(quality) if quality in qualities else -2
    codes = np.where((quality_codes < 0) | (quality_codes == wanted), codes, -1)  # null is for all qualities
    starts = np.flatnonzero(np.diff(codes, prepend=-2))
    ends = np.append(starts[1:], len(codes))
    ranges: dict[str, RowRanges] = {}
    for code, start, end in zip(codes[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        if code >= 0:
            ranges[names[code]] = (*ranges.get(names[code], ()), (start, end - start))
    return ranges


def read_boxes(path: Path, ranges: RowRanges) -> dict[int, dict[str, Any]]:
    """The box rows of one video by frame; `ranges` as `find_boxes` gives them.

    Raises:
        ValueError: If the file is no parquet file or is damaged.
    """
    status = path.stat()
    with parquet_errors(path, "box table", "run `dvc repro locate`"):
        file, bounds = _opened(path, status.st_size, status.st_mtime_ns)
        tables = [_rows(file, bounds, start, count) for start, count in ranges]
    return {box["frame"]: box for table in tables for box in table.to_pylist()}


def _rows(file: pq.ParquetFile, bounds: NDArray[np.int64], start: int, count: int) -> pa.Table:
    first, last = (int(np.searchsorted(bounds, row, side="right")) - 1 for row in (start, start + count - 1))
    table = file.read_row_groups(list(range(first, last + 1)), columns=_BOX_COLUMNS, use_threads=False)
    return table.slice(start - int(bounds[first]), count)


@lru_cache(maxsize=1)
def _opened(path: Path, size: int, modified: int) -> tuple[pq.ParquetFile, NDArray[np.int64]]:
    """The table and the first row of each row group; cached per process and state of the file."""
    file = pq.ParquetFile(path)
    sizes: Sequence[int] = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return file, np.cumsum([0, *sizes])
