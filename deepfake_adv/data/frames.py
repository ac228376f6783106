"""The frame table and the frame store: one interface, kept as lossless video or decoded again.

A folder of a part's frames holds frames.parquet (a row per sampled frame), videos.csv (a row per video,
the inventory's columns with what was sampled), skipped.csv, and, in the form `frames`, store/<video>.mkv
with the sampled frames as intra-only FFV1 in the decoder's own yuv420p. A folder of images that stands for
a video is its own store, in either form.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.data.videos import VideoRow, read_rows
from deepfake_adv.data.whole import whole_file
from deepfake_adv.video.colour import Frame
from deepfake_adv.video.read import read_frames

TABLE: Final = "frames.parquet"
VIDEOS: Final = "videos.csv"
SKIPPED: Final = "skipped.csv"
STORE: Final = "store"
_ROW_GROUP: Final = 32 * 1024

FRAME_SCHEMA: Final = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("forgery", pa.string(), nullable=False),
        pa.field("label", pa.int8(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("frame", pa.int32(), nullable=False),  # absolute index in the decoded video
        pa.field("time", pa.float32(), nullable=False),  # seconds since the video's first frame
        pa.field("position", pa.int32(), nullable=False),  # index in the store's video
    ]
)


class FrameStore(Protocol):
    """The sampled frames of a part; picklable, so that a worker process can read its own videos."""

    def videos(self) -> list[VideoRow]:
        """The videos that frames were sampled from, in the inventory's order."""

    def indices(self, video: str) -> NDArray[np.int64]:
        """Absolute indices of a video's sampled frames, increasing."""

    def frames(self, video: str, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """Absolute index and I420 planes of a video's sampled frames, or of some of them, in order.

        Raises:
            ValueError: If the video or an index was not sampled.
            VideoError: If a video cannot be read any more.
        """


@dataclass(frozen=True)
class _Store:
    """What both forms share: the table."""

    folder: Path
    root: Path

    @cached_property
    def _rows(self) -> dict[str, VideoRow]:
        return {row.video: row for row in read_rows(self.folder / VIDEOS)}

    def videos(self) -> list[VideoRow]:
        """See `FrameStore`."""
        return list(self._rows.values())

    def indices(self, video: str) -> NDArray[np.int64]:
        """See `FrameStore`."""
        if video not in self._rows:
            raise ValueError(f"video must be one that has sampled frames; got {video!r}. See {self.folder / SKIPPED}.")
        path = self.folder / TABLE
        with whole_file(path, "frame table", "run `dvc repro extract`"):
            table = pq.read_table(path, columns=["frame"], filters=[("video", "=", video)])
        return np.sort(table["frame"].to_numpy().astype(np.int64))

    def _wanted(self, video: str, indices: Sequence[int] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Absolute indices asked for, and their positions in the store."""
        sampled = self.indices(video)
        wanted = sampled if indices is None else np.unique(np.asarray(indices, dtype=np.int64))
        positions = np.searchsorted(sampled, wanted)
        positions = np.minimum(positions, len(sampled) - 1)
        strange = wanted[sampled[positions] != wanted]
        if strange.size:
            raise ValueError(f"indices must be sampled frames of {video}; got {strange[:5].tolist()}. See indices().")
        return wanted, positions

    def __getstate__(self) -> tuple[Path, Path]:
        return self.folder, self.root

    def __setstate__(self, state: tuple[Path, Path]) -> None:
        object.__setattr__(self, "folder", state[0])
        object.__setattr__(self, "root", state[1])


class KeptFrames(_Store):
    """The form `frames`: the sampled frames lie in store/<video>.mkv, those of a folder of images in that folder."""

    def frames(self, video: str, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """See `FrameStore`."""
        wanted, positions = self._wanted(video, indices)
        path = self.folder / STORE / f"{video}.mkv"
        own = self.root / self._rows[video].path
        frames = read_frames(path, positions) if path.exists() else read_frames(own, wanted)
        yield from zip(wanted.tolist(), frames, strict=True)


class DecodedFrames(_Store):
    """The form `index`: every reading decodes the dataset's own video by the table."""

    def frames(self, video: str, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """See `FrameStore`."""
        wanted, _ = self._wanted(video, indices)
        path = self.root / self._rows[video].path
        yield from zip(wanted.tolist(), read_frames(path, wanted), strict=True)


def open_store(folder: Path | str, root: Path | str) -> FrameStore:
    """Open a part's frames, in whichever form `extract` left them.

    Args:
        folder: What `extract` left for the part.
        root: The dataset's folder; the form `frames` reads nothing but folders of images there.

    Raises:
        FileNotFoundError: If there are no frames in `folder`.
    """
    folder = Path(folder)
    if not (folder / TABLE).exists():
        raise FileNotFoundError(f"{folder / TABLE} must be there; found nothing. Run `dvc repro extract`.")
    form = KeptFrames if (folder / STORE).is_dir() else DecodedFrames
    return form(folder, Path(root))


def frame_table(rows: Iterable[tuple[VideoRow, Sequence[int], Sequence[float]]]) -> pa.Table:
    """The frame table from every video's row with the indices and times of its sampled frames."""
    columns: dict[str, list[object]] = {name: [] for name in FRAME_SCHEMA.names}
    for row, indices, times in rows:
        count = len(indices)
        for name in ("video", "forgery", "label", "split", "target"):
            columns[name] += [getattr(row, name)] * count
        columns["source"] += [row.source or None] * count
        columns["frame"] += list(indices)
        columns["time"] += list(times)
        columns["position"] += list(range(count))
    return pa.table(columns, schema=FRAME_SCHEMA)


def write_frame_table(path: Path, table: pa.Table) -> None:
    """Write a frame table, with row groups that a filter on one video can skip."""
    pq.write_table(table, path, row_group_size=_ROW_GROUP, use_dictionary=False, compression="zstd")
