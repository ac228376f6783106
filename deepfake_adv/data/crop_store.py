"""Decoded crops of one split, at the size a detector takes; optionally kept in memory."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.data.crop_reader import CorruptCrop, CropReader
from deepfake_adv.data.encoding import decode_crop, decode_mask
from deepfake_adv.data.manifest import CropTable, Ints
from deepfake_adv.data.stand_ins import StandIns

logger = logging.getLogger(__name__)

POINTS = 68
IMAGE, MASK, LANDMARKS = "image.bytes", "mask.bytes", "landmarks"  # columns of the crop files
Corrupt = Literal["fail", "skip"]


@dataclass(frozen=True, eq=False)
class Crops:
    """Decoded crops: images ``(n, H, W, 3)`` uint8 RGB, masks ``(n, H, W)`` uint8, landmarks ``(n, 68, 2)``.

    Landmarks are x and y in pixels of the images, NaN where a face has none.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None
    landmarks: NDArray[np.float32] | None


class CropStore:
    """Reads, decodes and resizes rows of a manifest.

    Args:
        table: The manifest.
        root: Folder that its file paths start from.
        image_size: Side of the images given, pixels.
        masks: Read forgery masks too, zeros where there is none.
        landmarks: Read landmarks too.
        keep: Row groups of encoded crops kept in memory.
        corrupt: "fail" raises at a crop that cannot be read; "skip" gives another of its video and moment
            instead, else of its dataset, quality and forgery; see `StandIns`.
    """

    def __init__(
        self,
        table: CropTable,
        root: Path,
        *,
        image_size: int,
        masks: bool = False,
        landmarks: bool = False,
        keep: int = 8,
        corrupt: Corrupt = "fail",
    ) -> None:
        self.image_size, self.masks, self.landmarks, self.corrupt = image_size, masks, landmarks, corrupt
        self.path = table.path
        columns = [IMAGE, *[MASK] * masks, *[LANDMARKS] * landmarks]
        self.reader = CropReader(root, columns, keep)
        names = table.columns["file"].combine_chunks().dictionary_encode()
        self._names: list[str] = names.dictionary.to_pylist()
        self._file = names.indices.to_numpy()
        kinds = table.columns["encoding"].combine_chunks().dictionary_encode()
        self._kinds: list[str] = kinds.dictionary.to_pylist()
        self._kind = kinds.indices.to_numpy()
        self._group = table.columns["row_group"].to_numpy()
        self._row = table.columns["row"].to_numpy()
        self._rows = len(table)
        self._stand_ins = StandIns(table) if corrupt == "skip" else None
        self._told: set[str] = set()
        self._memory: Crops | None = None
        self._slot: Ints | None = None

    def empty(self, count: int) -> Crops:
        """Room for `count` crops."""
        side = self.image_size
        return Crops(
            np.empty((count, side, side, 3), np.uint8),
            np.zeros((count, side, side), np.uint8) if self.masks else None,
            np.full((count, POINTS, 2), np.nan, np.float32) if self.landmarks else None,
        )

    def bytes_of(self, count: int) -> int:
        """Memory that `count` remembered crops take: images, masks, landmarks, and a place per row of the manifest."""
        one = self.empty(1)
        parts = (one.images, one.masks, one.landmarks)
        return count * sum(part.nbytes for part in parts if part is not None) + 8 * self._rows

    def remember(self, rows: Ints) -> None:
        """Decode `rows` once and keep them; later fetches of them cost a copy.

        Raises:
            CorruptCrop: If one cannot be read and `corrupt` is "fail", or none can that may stand in for it.
        """
        rows = np.unique(rows)
        crops = self.empty(len(rows))
        blocks = np.array_split(np.arange(len(rows)), max(len(rows) // 256, 1))
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

        def fill(block: Ints) -> None:
            self._fill(crops, block, rows[block], CropReader(self.reader.root, self.reader.columns, 1))

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, blocks))
        self._slot = np.full(self._rows, -1, np.int64)
        self._slot[rows] = np.arange(len(rows))
        self._memory = crops

    def fetch(self, rows: Ints) -> Crops:
        """Decoded crops of `rows`, in their order.

        Raises:
            CorruptCrop: If one cannot be read and `corrupt` is "fail", or none can that may stand in for it.
        """
        if self._slot is not None and self._memory is not None:
            slots = self._slot[rows]
            if (slots >= 0).all():
                kept = self._memory
                masks = None if kept.masks is None else kept.masks[slots]
                landmarks = None if kept.landmarks is None else kept.landmarks[slots]
                return Crops(kept.images[slots], masks, landmarks)
        crops = self.empty(len(rows))
        order = np.lexsort((self._group[rows], self._file[rows]))  # neighbours share a row group
        self._fill(crops, order, rows[order], self.reader)
        return crops

    def _fill(self, crops: Crops, places: Ints, rows: Ints, reader: CropReader) -> None:
        for place, row in zip(places, rows, strict=True):
            for candidate in self._candidates(int(row)):
                try:
                    self._decode(crops, int(place), candidate, reader)
                    break
                except CorruptCrop as error:
                    if self.corrupt == "fail":
                        raise
                    self.skip(error)
            else:
                raise CorruptCrop(
                    f"crops of the video of row {row} of {self.path}, or of others of its condition, must be readable; "
                    "got none. Run `dvc repro crop`."
                )

    def skip(self, error: CorruptCrop) -> None:
        """Name in the log what is skipped, once each."""
        if str(error) not in self._told:
            self._told.add(str(error))
            logger.warning("%s (skipped)", error)

    def _candidates(self, row: int) -> Iterator[int]:
        """The row, then what may stand in for it, in a fixed order."""
        yield row
        if self._stand_ins is not None:
            yield from self._stand_ins.of(row)

    def _decode(self, crops: Crops, place: int, row: int, reader: CropReader) -> None:
        name = self._names[self._file[row]]
        group = reader.group(name, int(self._group[row]))
        offset = int(self._row[row])
        try:
            room = crops.images[place]
            image = decode_crop(group[IMAGE][offset], self._kinds[self._kind[row]], room)
            if image is not room:
                resize(image, room)
            if crops.masks is not None:
                mask = group[MASK][offset]
                if mask is None:
                    crops.masks[place] = 0
                else:
                    resize(decode_mask(mask), crops.masks[place])
            if crops.landmarks is not None:
                points = group[LANDMARKS][offset]
                moved = None if points is None else scale_points(points, image.shape, self.image_size)
                crops.landmarks[place] = np.nan if moved is None else moved
        except (ValueError, IndexError, TypeError, cv2.error) as error:
            raise CorruptCrop(
                f"crop must be decodable; got {str(error).strip()} at row {offset} of row group "
                f"{int(self._group[row])} of {reader.root / name}. Delete the file and run `dvc repro`, "
                "or set train.corrupt to skip."
            ) from error


def resize(image: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Write `image` into `out` at its size: area averages when shrinking, linear when enlarging.

    Pinned here for every stage, since a different filter is a different input to the detector.
    """
    height, width = out.shape[:2]
    if image.shape[:2] == (height, width):
        out[:] = image
        return
    shrink = image.shape[0] >= height and image.shape[1] >= width
    cv2.resize(image, (width, height), dst=out, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)


def scale_points(points: Any, shape: Sequence[int], size: int) -> NDArray[np.float32]:
    """Move points from pixels of a crop to pixels of its resized image; pixel centres are whole numbers."""
    scale = np.array([size / shape[1], size / shape[0]], np.float32)
    return (np.asarray(points, np.float32).reshape(POINTS, 2) + 0.5) * scale - 0.5
