"""A study batch by batch: what was found for a batch is kept as a file, so that a kill loses one batch.

Memory is bounded by the batches at hand, whatever the number of images. The batches are those that a pass over all
images at once would have, so that the figures are the same.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.execution.ahead import ahead
from deepfake_adv.execution.pool import remaining
from deepfake_adv.files import atomic_write
from deepfake_adv.log import progress
from deepfake_adv.parquet import Ints

Prepared = TypeVar("Prepared")

AHEAD: Final = 3  # batches that are prepared while one is at work; bounds the memory


class Blocks:
    """Figures of each image, a row per image, in one file per batch.

    Args:
        folder: Where the files lie, or shall lie.
        count: Images.
        batch_size: Images per file, but for the last.
    """

    def __init__(self, folder: Path, count: int, batch_size: int) -> None:
        self.folder = folder
        starts = range(0, count, batch_size)
        self.batches: list[Ints] = [np.arange(start, min(start + batch_size, count)) for start in starts]
        folder.mkdir(parents=True, exist_ok=True)

    def fill(
        self,
        prepare: Callable[[Ints], Prepared],
        work: Callable[[Ints, Prepared], NDArray[Any]],
        *,
        desc: str,
        workers: int,
    ) -> None:
        """Leave a file of each batch that has none.

        Args:
            prepare: From the places of a batch's images to what `work` takes; called ahead of time, in threads.
            work: To the figures, ``(n, columns)``; called in this thread, batch by batch.
            desc: What the progress line says.
            workers: Threads that prepare; 0: one per core.
        """
        numbers = range(len(self.batches))
        left = remaining(numbers, lambda number: self._path(number).exists(), desc=desc, unit="batches")
        prepared = ahead(prepare, (self.batches[number] for number in left), workers=workers, most=AHEAD)
        pairs = zip(left, prepared, strict=True)
        for number, parts in progress(pairs, total=len(left), desc=desc, unit="batches"):
            figures = work(self.batches[number], parts)
            with atomic_write(self._path(number)) as temporary, open(temporary, "wb") as stream:
                np.save(stream, figures, allow_pickle=False)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The figures ``(n, columns)`` of each batch, in order; mapped, not read."""
        return (np.load(self._path(number), mmap_mode="r") for number in range(len(self.batches)))

    def column(self, number: int) -> NDArray[Any]:
        """``(N,)`` one figure of every image: all figures together need not fit into memory."""
        return np.concatenate([figures[:, number] for figures in self])

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npy"
