"""Decoded crops of a split by their rows in the manifest; optionally kept in memory, others in place of broken ones."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import Literal

import numpy as np

from deepfake_adv.crops.crop_decoder import CropDecoder, Crops, Fault, Order
from deepfake_adv.crops.crop_reader import CorruptCrop
from deepfake_adv.data.manifest import CropTable
from deepfake_adv.data.stand_ins import StandIns
from deepfake_adv.execution.ahead import cores
from deepfake_adv.parquet import Ints, numbered

logger = logging.getLogger(__name__)

Corrupt = Literal["fail", "skip", "omit"]


class CropStore:
    """Knows where the crops of a manifest lie, and what becomes of those that cannot be read.

    Args:
        table: The manifest.
        root: Folder that its file paths start from.
        image_size: Side of the images given, pixels.
        masks: Read forgery masks too, zeros where there is none.
        landmarks: Read landmarks too.
        corrupt: "fail" raises at a crop that cannot be read; "skip" gives another of its video and moment
            instead, else of its dataset, quality and forgery, see `StandIns`; "omit" leaves it black and notes it
            in `lost`.

    Attributes:
        decoder: What reads and decodes; all that a worker needs.
        lost: Rows that were found unreadable.
    """

    def __init__(
        self,
        table: CropTable,
        root: Path,
        *,
        image_size: int,
        masks: bool = False,
        landmarks: bool = False,
        corrupt: Corrupt = "fail",
    ) -> None:
        self.masks, self.landmarks, self.corrupt = masks, landmarks, corrupt
        self.path = table.path
        self.decoder = CropDecoder(root, image_size=image_size, masks=masks, landmarks=landmarks)
        self.lost: set[int] = set()
        self._file, self._names = numbered(table.columns["file"])
        self._kind, self._kinds = numbered(table.columns["encoding"])
        self._spots = [table.columns[name].to_numpy() for name in ("row_group", "row")]
        kinds = ("image", *["mask"] * masks, *["landmarks"] * landmarks)
        self._ranges = {kind: table.ranges(kind) for kind in kinds}
        self._rows = len(table)
        self._stand_ins = StandIns(table) if corrupt == "skip" else None
        self._memory: Crops | None = None
        self._slot: Ints | None = None

    @property
    def image_size(self) -> int:
        """Side of the images given, pixels."""
        return self.decoder.image_size

    def apart(self) -> "CropStore":
        """The same with files of its own, for another thread."""
        other = copy(self)
        other.decoder = self.decoder.apart()
        return other

    def bytes_of(self, count: int) -> int:
        """Memory that `count` remembered crops take: images, masks, landmarks, and a place per row of the manifest."""
        one = self.decoder.empty(1)
        parts = (one.images, one.masks, one.landmarks)
        return count * sum(part.nbytes for part in parts if part is not None) + 8 * self._rows

    def order(self, rows: Ints) -> Order:
        """Where the crops of `rows` lie."""
        return Order(
            rows,
            [self._names[number] for number in self._file[rows]],
            np.stack([spots[rows] for spots in self._spots], axis=1).astype(np.int64),
            [self._kinds[number] for number in self._kind[rows]],
            {
                kind: np.stack([part[rows].astype(np.int64) for part in parts], axis=1)
                for kind, parts in self._ranges.items()
            },
        )

    def remember(self, rows: Ints) -> None:
        """Decode `rows` once and keep them; later fetches of them cost a copy.

        Raises:
            CorruptCrop: If one cannot be read and `corrupt` is "fail", or none can that may stand in for it.
        """
        rows = np.unique(rows)
        crops = self.decoder.empty(len(rows))
        blocks = np.array_split(np.arange(len(rows)), max(len(rows) // 256, 1))

        def fill(block: Ints) -> list[Fault]:
            faults = self.decoder.apart().fill(crops, block, self.order(rows[block]))
            return [fault._replace(place=int(block[fault.place])) for fault in faults]

        with ThreadPoolExecutor(cores()) as pool:
            for faults in pool.map(fill, blocks):
                self._mend(crops, faults)
        self._slot = np.full(self._rows, -1, np.int64)
        self._slot[rows] = np.arange(len(rows))
        self._memory = crops

    def fetch(self, rows: Ints) -> Crops:
        """Decoded crops of `rows`, in their order.

        Raises:
            CorruptCrop: If one cannot be read and `corrupt` is "fail", or none can that may stand in for it.
        """
        crops, faults = self.decode(self.order(rows))
        self._mend(crops, faults)
        return crops

    def decode(self, order: Order) -> tuple[Crops, list[Fault]]:
        """As the decoder does it, from memory where all of the order is there."""
        if self._slot is not None and self._memory is not None:
            slots = self._slot[order.rows]
            if (slots >= 0).all():
                kept = self._memory
                masks = None if kept.masks is None else kept.masks[slots]
                landmarks = None if kept.landmarks is None else kept.landmarks[slots]
                return Crops(kept.images[slots], masks, landmarks), []
        return self.decoder.decode(order)

    def in_place_of(self, fault: Fault) -> Crops | None:
        """What to show for a crop that cannot be read, a single one; None where it is omitted.

        Raises:
            CorruptCrop: If `corrupt` is "fail", or nothing that may stand in can be read.
        """
        if self.corrupt == "fail":
            raise CorruptCrop(fault.message)
        self._note(fault)
        if self._stand_ins is None:
            return None
        for row in self._stand_ins.of(fault.row):
            crops, faults = self.decode(self.order(np.array([row])))
            if not faults:
                return crops
            self._note(faults[0])
        raise CorruptCrop(
            f"crops of the video of row {fault.row} of {self.path}, or of others of its condition, must be readable; "
            "got none. Run `dvc repro crop`."
        )

    def _mend(self, crops: Crops, faults: Sequence[Fault]) -> None:
        for fault in faults:
            other = self.in_place_of(fault)
            for part in ("images", "masks", "landmarks"):
                if other is not None and (room := getattr(crops, part)) is not None:
                    room[fault.place] = getattr(other, part)[0]

    def _note(self, fault: Fault) -> None:
        """Name in the log what cannot be read, once each."""
        if fault.row not in self.lost:
            self.lost.add(fault.row)
            logger.warning("%s (skipped)", fault.message)
