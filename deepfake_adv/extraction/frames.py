"""The frame table and the frame store: sampled frames, kept as lossless video or decoded again when needed.

A folder of a part's frames holds frames.parquet (a row per sampled frame), videos.csv (a row per video,
the inventory's columns with what was sampled), skipped.csv, and, in the form `frames`, store/<video>.mkv
with the sampled frames as intra-only FFV1 in the decoder's own yuv420p. A folder of images that stands for
a video is its own store, in either form.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.datasets.videos import VideoRow, read_rows
from deepfake_adv.parquet import encode_texts, parquet_errors
from deepfake_adv.video.colour import Frame
from deepfake_adv.video.read import read_frames

TABLE: Final = "frames.parquet"
VIDEOS: Final = "videos.csv"
SKIPPED: Final = "skipped.csv"
STORE: Final = "store"
_ROW_GROUP: Final = 32 * 1024

FRAME_SCHEMA: Final = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),  # forgery or real, and its name: DF/000_001
        pa.field("forgery", pa.string(), nullable=False),  # a forgery, or real
        pa.field("label", pa.int8(), nullable=False),  # 0 real, 1 fake
        pa.field("split", pa.string(), nullable=False),  # train, val or test
        pa.field("target", pa.string(), nullable=False),  # whose video it is: an identity or an original video
        pa.field("source", pa.string()),  # whose face a fake shows; null for reals and where unknown
        pa.field("frame", pa.int32(), nullable=False),  # absolute index in the decoded video
        pa.field("time", pa.float32(), nullable=False),  # seconds since the video's first frame
        pa.field("position", pa.int32(), nullable=False),  # index in the store's video
    ]
)


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """One video's sampled frames, with everything that reading them needs; small, as a worker is given one.

    Attributes:
        video: Its id.
        kept: The store's own video of the sampled frames; None in the form `index`.
        path: The dataset's video, or the folder of images used as one.
        indices: ``(n,)`` absolute index of each sampled frame, increasing.
        times: ``(n,)`` seconds since the video's first frame.
    """

    video: str
    kept: Path | None
    path: Path
    indices: NDArray[np.int32]
    times: NDArray[np.float32]

    def read(self, indices: Sequence[int] | NDArray[np.integer] | None = None) -> Iterator[tuple[int, Frame]]:
        """Absolute index and I420 planes of the sampled frames, or of some of them, in order.

        Raises:
            ValueError: If an index was not sampled.
            VideoError: If the video can no longer be read.
        """
        wanted = self.indices if indices is None else np.unique(np.asarray(indices, dtype=np.int64))
        positions = np.searchsorted(self.indices, wanted)
        positions = np.minimum(positions, len(self.indices) - 1)
        unknown = wanted[self.indices[positions] != wanted]
        if unknown.size:
            raise ValueError(
                f"indices must be sampled frames of {self.video}; got {unknown[:5].tolist()}. "
                "Take indices from the frame table."
            )
        if self.kept is not None and self.kept.exists():
            frames = read_frames(self.kept, positions)
        else:
            frames = read_frames(self.path, wanted)
        yield from zip(wanted.tolist(), frames, strict=True)


class FrameStore:
    """The sampled frames of a part, in either form; its tables are read once for all videos.

    Args:
        folder: What `extract` left for the part.
        root: The dataset's folder; the form `frames` reads only folders of images there.

    Raises:
        FileNotFoundError: If there are no frames in `folder`.
    """

    def __init__(self, folder: Path | str, root: Path | str) -> None:
        self._folder, self._root = Path(folder), Path(root)
        if not (self._folder / TABLE).exists():
            raise FileNotFoundError(f"{self._folder / TABLE} must exist; found nothing. Run `dvc repro extract`.")
        self._store = self._folder / STORE if (self._folder / STORE).is_dir() else None

    @cached_property
    def rows(self) -> dict[str, VideoRow]:
        """The videos that frames were sampled from, in the inventory's order."""
        return {row.video: row for row in read_rows(self._folder / VIDEOS)}

    @cached_property
    def indices(self) -> dict[str, NDArray[np.int32]]:
        """Absolute indices of each video's sampled frames, increasing; videos in the table's order."""
        return {video: frames for video, (frames, _) in self._sampled.items()}

    def of(self, video: str) -> VideoFrames:
        """The frames of one video.

        Raises:
            ValueError: If none were sampled from it.
        """
        row = self.rows.get(video)
        if row is None or video not in self._sampled:
            raise ValueError(f"video must be one that has sampled frames; got {video!r}. See {self._folder / SKIPPED}.")
        kept = None if self._store is None else self._store / f"{video}.mkv"
        return VideoFrames(video, kept, self._root / row.path, *self._sampled[video])

    @cached_property
    def _sampled(self) -> dict[str, tuple[NDArray[np.int32], NDArray[np.float32]]]:
        path = self._folder / TABLE
        with parquet_errors(path, "frame table", "run `dvc repro extract`"):
            table = pq.read_table(path, columns=["video", "frame", "time"], read_dictionary=["video"])
        codes, names = encode_texts(table["video"])
        frames, times = table["frame"].to_numpy(), table["time"].to_numpy()
        order = np.lexsort((frames, codes))
        codes, frames, times = codes[order], frames[order], times[order]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        ends = np.append(starts[1:], len(codes))
        own = zip(codes[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)
        return {names[code]: (frames[start:end], times[start:end]) for code, start, end in own}


def frame_table(rows: Iterable[tuple[VideoRow, Sequence[int], Sequence[float]]]) -> pa.Table:
    """The frame table from every video's row with the indices and times of its sampled frames."""
    videos, indices, times = [], [], []
    for row, own, seconds in rows:
        videos.append(row)
        indices.append(np.asarray(own, np.int32))
        times.append(np.asarray(seconds, np.float32))
    counts = [len(own) for own in indices]
    owner = pa.array(np.repeat(np.arange(len(videos)), counts))
    columns = {
        name: pa.array([getattr(row, name) or None if name == "source" else getattr(row, name) for row in videos], kind)
        for name, kind in zip(FRAME_SCHEMA.names[:6], FRAME_SCHEMA.types[:6], strict=True)
    }
    numbers = {
        "frame": np.concatenate([np.empty(0, np.int32), *indices]),
        "time": np.concatenate([np.empty(0, np.float32), *times]),
        "position": np.concatenate([np.empty(0, np.int32), *(np.arange(count, dtype=np.int32) for count in counts)]),
    }
    return pa.table({name: column.take(owner) for name, column in columns.items()} | numbers, schema=FRAME_SCHEMA)


def write_frame_table(path: Path, table: pa.Table) -> None:
    """Write a frame table, in row groups that a filter on one video can skip."""
    pq.write_table(table, path, row_group_size=_ROW_GROUP, use_dictionary=False, compression="zstd")
