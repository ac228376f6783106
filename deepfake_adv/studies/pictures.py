"""Labelled pictures of a study, decoded on demand, so that they need not fit into memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_adv.data.manifest import CropTable
from deepfake_adv.data.store import CropStore
from deepfake_adv.execution.prefetch import prefetch
from deepfake_adv.parquet import Ints

Pixels = NDArray[np.uint8]

HELD: Final = 256 << 20  # bytes of decoded pictures that `held` keeps; affects speed only
_CHUNK: Final = 64


@dataclass(frozen=True, eq=False)
class Pictures:
    """Labelled pictures of one size.

    Attributes:
        decode: ``(n,)`` indices to ``(n, size, size, 3)`` uint8; may be called from several threads at once.
        size: Side, pixels.
        labels: ``(N,)`` int64.
        names: ``(N,)`` strings, name of each picture; seeds its random draws.
        classes: Names of the classes.
        videos: ``(N,)`` equal for frames of one video, which follow each other in time; None for single pictures.
    """

    decode: Callable[[Ints], Pixels]
    size: int
    labels: Ints
    names: pa.StringArray
    classes: Sequence[str]
    videos: Ints | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def names_of(self, places: Ints) -> list[str]:
        """The names of some of them."""
        names: list[str] = self.names.take(pa.array(places)).to_pylist()
        return names

    def take(self, places: Ints) -> "Pictures":
        """Some of them, in the order of `places`."""
        return replace(
            self,
            decode=lambda chosen: self.decode(places[chosen]),
            labels=self.labels[places],
            names=self.names.take(pa.array(places)),
            videos=None if self.videos is None else self.videos[places],
        )

    def held(self, places: Ints, *, workers: int, most: int = HELD) -> "Pictures":
        """The same pictures; those at `places` are decoded once and kept if they take at most `most` bytes."""
        distinct = np.unique(places)
        if len(distinct) * self.size**2 * 3 > most:
            return self
        kept = np.empty((len(distinct), self.size, self.size, 3), np.uint8)
        chunks = [distinct[start : start + _CHUNK] for start in range(0, len(distinct), _CHUNK)]
        start = 0
        for part in prefetch(self.decode, chunks, workers=workers, most=8):
            kept[start : start + len(part)] = part
            start += len(part)
        return replace(self, decode=lambda chosen: kept[_found(distinct, chosen)])


def _found(distinct: Ints, chosen: Ints) -> Ints:
    slots = np.searchsorted(distinct, chosen)
    assert np.array_equal(distinct[slots], chosen)
    return slots


def crop_pictures(
    parts: Sequence[tuple[CropTable, Ints]], root: Path, *, size: int, labels: Ints, classes: Sequence[str]
) -> Pictures:
    """Crops of some rows of manifests.

    Args:
        parts: Manifests, each with its rows; pictures are in this order.
        root: Folder that the manifests' file paths start from.
        size: Side to resize to, pixels.
        labels: ``(N,)`` of the rows in order.
        classes: Names of the classes.
    """
    stores = [CropStore(table, root, image_size=size) for table, _ in parts]
    part = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
    rows = np.concatenate([rows for _, rows in parts])

    def decode(places: Ints) -> Pixels:
        pixels = np.empty((len(places), size, size, 3), np.uint8)
        for number, store in enumerate(stores):
            mine = np.flatnonzero(part[places] == number)
            if len(mine):
                pixels[mine] = store.for_thread().fetch(rows[places[mine]]).images  # open files belong to one thread
        return pixels

    texts = [_columns(table, rows, "dataset", "quality", "video", "frame") for table, rows in parts]
    videos = pa.concat_arrays([_columns(table, rows, "dataset", "quality", "video") for table, rows in parts])
    return Pictures(
        decode, size, labels, pa.concat_arrays(texts), classes,
        videos.dictionary_encode().indices.to_numpy().astype(np.int64),
    )  # fmt: skip


def _columns(table: CropTable, rows: Ints, *names: str) -> pa.StringArray:
    """``(n,)`` some columns of some rows, joined by a slash."""
    chosen = table.columns.select(list(names)).take(pa.array(rows))
    parts = [chosen[name].cast(pa.string()).combine_chunks() for name in names]
    joined = pc.binary_join_element_wise(*parts, "/")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def as_images(pixels: Pixels, device: torch.device) -> Tensor:
    """Pixels ``(n, H, W, 3)`` uint8 to images ``(n, 3, H, W)`` in [0, 1] on a device."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().to(device).float() / 255
