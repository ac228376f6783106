"""What `locate` leaves: the table of boxes, every miss, and a line of each video with what became of its frames."""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deepfake_adv.crops.schema import BOX_SCHEMA, WRITE_OPTIONS
from deepfake_adv.extraction.pieces import Pieces
from deepfake_adv.faces.track import DROPPED, SEEN
from deepfake_adv.files import atomic_write, write_csv

logger = logging.getLogger(__name__)

BOXES: Final = "boxes.parquet"
MISSES: Final = "misses.csv"
VIDEOS: Final = "videos.csv"

_GROUP: Final = 16_384  # rows per row group of the box table
_NAMED: Final = 10  # videos spelled out in one line of the log
_MISS_COLUMNS: Final = ("dataset", "target", "video", "quality", "frame", "action", "reason")
_VIDEO_COLUMNS: Final = (
    "dataset", "target", "video", "quality", "shots", "others", "asked", "detected", "filled", "dropped",
    "missed_share", "named",
)  # fmt: skip
_COUNTS: Final = ("asked", "detected", "filled", "dropped")


def join_pieces(folder: Path, pieces: Pieces, *, warn_missed_share: float) -> None:
    """All pieces in order as three tables, never whole in memory; the boxes last, as they mark the end.

    Args:
        folder: To write into.
        pieces: Of `locate_group`, one for each group.
        warn_missed_share: Share of a video's frames without a detected face above which its line says "named".
    """

    def misses() -> Iterator[Mapping[str, Any]]:
        for path in pieces.paths():
            table = pq.read_table(path, columns=list(_MISS_COLUMNS))
            yield from table.filter(pc.not_equal(table["action"], SEEN)).to_pylist()

    write_csv(folder / MISSES, _MISS_COLUMNS, misses())
    write_csv(folder / VIDEOS, _VIDEO_COLUMNS, _video_lines(pieces, warn_missed_share))
    with (
        atomic_write(folder / BOXES) as temporary,
        pq.ParquetWriter(temporary, BOX_SCHEMA, **WRITE_OPTIONS) as writer,
    ):
        for table in pieces.tables(BOX_SCHEMA.names, at_least=_GROUP):
            writer.write_table(table.cast(BOX_SCHEMA), row_group_size=_GROUP)


def _video_lines(pieces: Pieces, warn_missed_share: float) -> Iterator[Mapping[str, Any]]:
    names = ["dataset", "target", "video", "quality", "shots", "others"]
    for path in pieces.paths():
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
    with open(folder / VIDEOS, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def total(videos: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Frames asked, detected, filled and dropped, of all videos together."""
    return {name: sum(int(video[name]) for video in videos) for name in _COUNTS}


def say_which(dataset: str, videos: Sequence[Mapping[str, str]], warn_missed_share: float) -> None:
    """Name in the log the videos in which the face was missed too often, and count those that show other people."""
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
