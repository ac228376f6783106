"""Decoded crops of a manifest by row: read, decoded and resized; kept in memory or replaced where a run asks for it."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.codec import POINTS, decode_crop, decode_mask, resize, scale_points
from deepfake_adv.crops.files import CorruptCrop, CropReader
from deepfake_adv.data.manifest import CropTable, Substitutes
from deepfake_adv.execution.prefetch import available_cores
from deepfake_adv.parquet import Ints, encode_texts

logger = logging.getLogger(__name__)

Corrupt = Literal["fail", "skip", "omit"]


@dataclass(frozen=True, eq=False)
class Crops:
    """Decoded crops.

    Attributes:
        images: ``(n, H, W, 3)`` uint8, RGB.
        masks: ``(n, H, W)`` uint8, or None.
        landmarks: ``(n, 68, 2)`` x and y in pixels of the images, NaN where a face has none; or None.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None
    landmarks: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class CropRequest:
    """The crops to read, with everything that reading them needs; small, as one is sent to a worker for each batch.

    Attributes:
        rows: ``(n,)`` their rows in the manifest.
        files: Their files, relative to the data folder.
        places: ``(n, 2)`` row group, and row in it, for messages.
        encodings: Of their images.
        ranges: ``(n, 3)`` offset, size and CRC-32 by kind: image, mask, landmarks; a size of -1 where there is none.
    """

    rows: Ints
    files: Sequence[str]
    places: Ints
    encodings: Sequence[str]
    ranges: Mapping[str, Ints]

    def __len__(self) -> int:
        return len(self.rows)


class FailedCrop(NamedTuple):
    """A crop that cannot be read: its position in the request, its row in the manifest, and the reason."""

    position: int
    row: int
    message: str


class CropDecoder:
    """Reads, decodes and resizes the crops of a request: all that a loader's worker does, and all that it holds.

    Args:
        root: Folder that file paths are relative to.
        image_size: Side of the images, pixels.
        masks: Read forgery masks too, zeros where a crop has none.
        landmarks: Read landmarks too.
    """

    def __init__(self, root: Path, *, image_size: int, masks: bool, landmarks: bool) -> None:
        self.image_size, self.masks, self.landmarks = image_size, masks, landmarks
        self.reader = CropReader(root)

    def for_thread(self) -> "CropDecoder":
        """The same decoder with open files of its own, for another thread."""
        return CropDecoder(self.reader.root, image_size=self.image_size, masks=self.masks, landmarks=self.landmarks)

    def empty(self, count: int) -> Crops:
        """Arrays for `count` crops."""
        side = self.image_size
        return Crops(
            np.empty((count, side, side, 3), np.uint8),
            np.zeros((count, side, side), np.uint8) if self.masks else None,
            np.full((count, POINTS, 2), np.nan, np.float32) if self.landmarks else None,
        )

    def decode(self, request: CropRequest) -> tuple[Crops, list[FailedCrop]]:
        """Decoded crops in the order of the request, black where one cannot be read, and which those are."""
        crops = self.empty(len(request))
        failed = self.decode_into(crops, np.arange(len(request)), request)
        return crops, failed

    def decode_into(self, crops: Crops, indices: Ints, request: CropRequest) -> list[FailedCrop]:
        """Decode into `indices` of `crops`; returns what cannot be read."""
        failed = []
        # neighbours in a file are read one after the other
        for k in sorted(range(len(request)), key=lambda k: (request.files[k], request.ranges["image"][k, 0])):
            try:
                self._decode_one(crops, int(indices[k]), request, k)
            except (ValueError, IndexError, TypeError, cv2.error) as error:
                group, row = request.places[k]
                message = (
                    f"crop must be readable; got {str(error).strip()} at row {row} of row group {group} of "
                    f"{self.reader.root / request.files[k]}. Delete the file and run `dvc repro`, "
                    "or set train.corrupt to skip."
                )
                crops.images[indices[k]] = 0
                failed.append(FailedCrop(k, int(request.rows[k]), message))
        return failed

    def _decode_one(self, crops: Crops, index: int, request: CropRequest, k: int) -> None:
        out = crops.images[index]
        encoded = self._read(request, "image", k)
        if encoded is None:
            raise CorruptCrop("no image")
        image = decode_crop(encoded, request.encodings[k], out)
        if image is not out:
            resize(image, out)
        if crops.masks is not None:
            mask = self._read(request, "mask", k)
            if mask is None:
                crops.masks[index] = 0
            else:
                resize(decode_mask(mask), crops.masks[index])
        if crops.landmarks is not None:
            points = self._read(request, "landmarks", k)
            scaled = None
            if points is not None:
                scaled = scale_points(np.frombuffer(points, "<f4"), image.shape, self.image_size)
            crops.landmarks[index] = np.nan if scaled is None else scaled

    def _read(self, request: CropRequest, kind: str, k: int) -> bytes | None:
        offset, size, crc = (int(value) for value in request.ranges[kind][k])
        return None if size < 0 else self.reader.read(request.files[k], offset, size, crc)


class CropStore:
    """The crops of a manifest: knows where each is, and what to do with one that cannot be read.

    Args:
        table: The manifest.
        root: Folder that its file paths are relative to.
        image_size: Side of the images, pixels.
        masks: Read forgery masks too, zeros where a crop has none.
        landmarks: Read landmarks too.
        corrupt: What to do with a crop that cannot be read. "fail" raises; "skip" gives another crop instead, see
            `Substitutes`; "omit" leaves it black and adds its row to `lost`.

    Attributes:
        decoder: What reads and decodes; all that a worker needs.
        lost: Rows that could not be read.
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
        self._file, self._file_names = encode_texts(table.columns["file"])
        self._encoding, self._encodings = encode_texts(table.columns["encoding"])
        self._places = [table.columns[name].to_numpy() for name in ("row_group", "row")]
        kinds = ("image", *["mask"] * masks, *["landmarks"] * landmarks)
        self._ranges = {kind: table.ranges(kind) for kind in kinds}
        self._rows = len(table)
        self._substitutes = Substitutes(table) if corrupt == "skip" else None
        self._memory: Crops | None = None
        self._slot: Ints | None = None

    @property
    def image_size(self) -> int:
        """Side of the images, pixels."""
        return self.decoder.image_size

    def for_thread(self) -> "CropStore":
        """The same store with open files of its own, for another thread."""
        other = copy(self)
        other.decoder = self.decoder.for_thread()
        return other

    def memory_size(self, count: int) -> int:
        """Bytes that `keep_in_memory` takes for `count` crops: their arrays, and an index per row of the manifest."""
        one = self.decoder.empty(1)
        arrays = (one.images, one.masks, one.landmarks)
        return count * sum(array.nbytes for array in arrays if array is not None) + 8 * self._rows

    def request(self, rows: Ints) -> CropRequest:
        """What reading the crops of `rows` needs."""
        return CropRequest(
            rows,
            [self._file_names[code] for code in self._file[rows]],
            np.stack([column[rows] for column in self._places], axis=1).astype(np.int64),
            [self._encodings[code] for code in self._encoding[rows]],
            {
                kind: np.stack([column[rows].astype(np.int64) for column in columns], axis=1)
                for kind, columns in self._ranges.items()
            },
        )

    def keep_in_memory(self, rows: Ints) -> None:
        """Decode `rows` once and keep them; later requests for them cost a copy.

        Raises:
            CorruptCrop: If one cannot be read and `corrupt` is "fail", or no substitute can be read.
        """
        rows = np.unique(rows)
        crops = self.decoder.empty(len(rows))
        blocks = np.array_split(np.arange(len(rows)), max(len(rows) // 256, 1))

        def decode(block: Ints) -> list[FailedCrop]:
            failed = self.decoder.for_thread().decode_into(crops, block, self.request(rows[block]))
            return [crop._replace(position=int(block[crop.position])) for crop in failed]

        with ThreadPoolExecutor(available_cores()) as pool:
            for failed in pool.map(decode, blocks):
                self._replace(crops, failed)
        self._slot = np.full(self._rows, -1, np.int64)
        self._slot[rows] = np.arange(len(rows))
        self._memory = crops

    def fetch(self, rows: Ints) -> Crops:
        """Decoded crops of `rows`, in their order.

        Raises:
            CorruptCrop: If one cannot be read and `corrupt` is "fail", or no substitute can be read.
        """
        crops, failed = self.decode(self.request(rows))
        self._replace(crops, failed)
        return crops

    def decode(self, request: CropRequest) -> tuple[Crops, list[FailedCrop]]:
        """As `CropDecoder.decode`, from memory where all crops of the request are kept there."""
        if self._slot is not None and self._memory is not None:
            slots = self._slot[request.rows]
            if (slots >= 0).all():
                kept = self._memory
                masks = None if kept.masks is None else kept.masks[slots]
                landmarks = None if kept.landmarks is None else kept.landmarks[slots]
                return Crops(kept.images[slots], masks, landmarks), []
        return self.decoder.decode(request)

    def substitute(self, failed: FailedCrop) -> Crops | None:
        """A single crop to show in place of one that cannot be read; None where `corrupt` is "omit".

        Raises:
            CorruptCrop: If `corrupt` is "fail", or no substitute can be read.
        """
        if self.corrupt == "fail":
            raise CorruptCrop(failed.message)
        self._log_lost(failed)
        if self._substitutes is None:
            return None
        for row in self._substitutes.of(failed.row):
            crops, failures = self.decode(self.request(np.array([row])))
            if not failures:
                return crops
            self._log_lost(failures[0])
        raise CorruptCrop(
            f"crops of the video of row {failed.row} of {self.path}, or of others of its condition, must be readable; "
            "got none. Run `dvc repro crop`."
        )

    def _replace(self, crops: Crops, failed: Sequence[FailedCrop]) -> None:
        for crop in failed:
            other = self.substitute(crop)
            for name in ("images", "masks", "landmarks"):
                if other is not None and (array := getattr(crops, name)) is not None:
                    array[crop.position] = getattr(other, name)[0]

    def _log_lost(self, failed: FailedCrop) -> None:
        """Name in the log each crop that cannot be read, once."""
        if failed.row not in self.lost:
            self.lost.add(failed.row)
            logger.warning("%s (skipped)", failed.message)
