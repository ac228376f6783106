"""What is read in place of a crop that cannot be: another of its video, near in time, else of its condition."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from deepfake_adv.data.manifest import CropTable
from deepfake_adv.parquet import Ints, number_rows

OTHERS: Final = 16
"""Videos tried beside a crop's own."""


class StandIns:
    """Finds stand-ins among the rows of a manifest.

    Dataset, quality and forgery stay the same, and with them the label. So a stand-in is of every condition that the
    crop is of, and a run is shown nothing that it was not told to train on.

    Args:
        table: The manifest.
    """

    def __init__(self, table: CropTable) -> None:
        self._videos, self._frames = table.videos, table.frames
        self._kinds = number_rows(table.columns, "dataset", "quality", "forgery")

    def of(self, row: int) -> Iterator[int]:
        """Rows of its video, the nearest in time first, then the nearest of up to `OTHERS` videos that follow it."""
        own = np.flatnonzero(self._videos == self._videos[row])
        yield from (int(other) for other in self._by_time(own, row) if other != row)
        alike = np.flatnonzero(self._kinds == self._kinds[row])
        videos = np.unique(self._videos[alike])
        start = int(np.searchsorted(videos, self._videos[row]))
        for video in np.roll(videos, -start)[1 : OTHERS + 1]:
            yield int(self._by_time(alike[self._videos[alike] == video], row)[0])

    def _by_time(self, rows: Ints, row: int) -> Ints:
        return rows[np.argsort(np.abs(self._frames[rows] - self._frames[row]), kind="stable")]
