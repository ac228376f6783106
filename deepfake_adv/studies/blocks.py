"""Batch-wise results of a study: one file per batch, so that a kill loses one batch only.

Memory does not grow with the number of images. The batches are those of a single pass over all images, so that the
results are the same.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.execution.pool import remaining
from deepfake_adv.execution.prefetch import prefetch
from deepfake_adv.files import atomic_write
from deepfake_adv.log import progress
from deepfake_adv.parquet import Ints

Prepared = TypeVar("Prepared")

AHEAD: Final = 3  # batches prepared in advance; bounds the memory


class Blocks:
    """Results of each image, one row per image, in one file per batch.

    Args:
        folder: Folder of the files.
        count: Number of images.
        batch_size: Images per file; the last may have fewer.
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
        """Write the file of each batch that has none.

        Args:
            prepare: Maps the indices of a batch's images to the input of `work`; called ahead of time, in threads.
            work: Maps them to the results ``(n, columns)``; called in this thread, batch by batch.
            desc: Name of the work in the progress line.
            workers: Threads for `prepare`; 0: one per core.
        """
        numbers = range(len(self.batches))
        left = remaining(numbers, lambda number: self._path(number).exists(), desc=desc, unit="batches")
        prepared = prefetch(prepare, (self.batches[number] for number in left), workers=workers, most=AHEAD)
        pairs = zip(left, prepared, strict=True)
        for number, parts in progress(pairs, total=len(left), desc=desc, unit="batches"):
            figures = work(self.batches[number], parts)
            with atomic_write(self._path(number)) as temporary, open(temporary, "wb") as stream:
                np.save(stream, figures, allow_pickle=False)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The results ``(n, columns)`` of each batch, in order; memory-mapped."""
        return (np.load(self._path(number), mmap_mode="r") for number in range(len(self.batches)))

    def column(self, number: int) -> NDArray[Any]:
        """``(N,)``, one column for all images; all columns together need not fit into memory."""
        return np.concatenate([figures[:, number] for figures in self])

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npy"
