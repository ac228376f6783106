"""Crops read, decoded and resized by what an order says of them: all that a worker does, and all that it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.crop_reader import CorruptCrop, CropReader
from deepfake_adv.crops.encoding import decode_crop, decode_mask
from deepfake_adv.parquet import Ints

POINTS: Final = 68


@dataclass(frozen=True, eq=False)
class Crops:
    """Decoded crops: images ``(n, H, W, 3)`` uint8 RGB, masks ``(n, H, W)`` uint8, landmarks ``(n, 68, 2)``.

    Landmarks are x and y in pixels of the images, NaN where a face has none.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None
    landmarks: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Order:
    """Crops asked for, with all that reading them takes; small, as it is sent to a worker for each batch.

    Attributes:
        rows: ``(n,)`` their rows in the manifest.
        files: Their files, relative to the data folder.
        spots: ``(n, 2)`` row group and row in it, for messages.
        encodings: Of their images.
        ranges: ``(n, 3)`` offset, size and CRC-32 by kind: image, mask, landmarks; a size of -1 where there is none.
    """

    rows: Ints
    files: Sequence[str]
    spots: Ints
    encodings: Sequence[str]
    ranges: Mapping[str, Ints]

    def __len__(self) -> int:
        return len(self.rows)


class Fault(NamedTuple):
    """A crop of an order that cannot be read: its place in the order, its row in the manifest, and why."""

    place: int
    row: int
    message: str


class CropDecoder:
    """Reads, decodes and resizes what is ordered.

    Args:
        root: Folder that file paths start from.
        image_size: Side of the images given, pixels.
        masks: Read forgery masks too, zeros where there is none.
        landmarks: Read landmarks too.
    """

    def __init__(self, root: Path, *, image_size: int, masks: bool, landmarks: bool) -> None:
        self.image_size, self.masks, self.landmarks = image_size, masks, landmarks
        self.reader = CropReader(root)

    def apart(self) -> "CropDecoder":
        """The same with files of its own, for another thread."""
        return CropDecoder(self.reader.root, image_size=self.image_size, masks=self.masks, landmarks=self.landmarks)

    def empty(self, count: int) -> Crops:
        """Room for `count` crops."""
        side = self.image_size
        return Crops(
            np.empty((count, side, side, 3), np.uint8),
            np.zeros((count, side, side), np.uint8) if self.masks else None,
            np.full((count, POINTS, 2), np.nan, np.float32) if self.landmarks else None,
        )

    def decode(self, order: Order) -> tuple[Crops, list[Fault]]:
        """Decoded crops in the order asked for, black where one cannot be read, and which those are."""
        crops = self.empty(len(order))
        faults = self.fill(crops, np.arange(len(order)), order)
        return crops, faults

    def fill(self, crops: Crops, places: Ints, order: Order) -> list[Fault]:
        """Decode into `places` of `crops`; give what cannot be read."""
        faults = []
        # neighbours in a file are read one after the other
        for k in sorted(range(len(order)), key=lambda k: (order.files[k], order.ranges["image"][k, 0])):
            try:
                self._one(crops, int(places[k]), order, k)
            except (ValueError, IndexError, TypeError, cv2.error) as error:
                group, row = order.spots[k]
                message = (
                    f"crop must be readable; got {str(error).strip()} at row {row} of row group {group} of "
                    f"{self.reader.root / order.files[k]}. Delete the file and run `dvc repro`, "
                    "or set train.corrupt to skip."
                )
                crops.images[places[k]] = 0
                faults.append(Fault(k, int(order.rows[k]), message))
        return faults

    def _one(self, crops: Crops, place: int, order: Order, k: int) -> None:
        room = crops.images[place]
        encoded = self._bytes(order, "image", k)
        if encoded is None:
            raise CorruptCrop("no image")
        image = decode_crop(encoded, order.encodings[k], room)
        if image is not room:
            resize(image, room)
        if crops.masks is not None:
            mask = self._bytes(order, "mask", k)
            if mask is None:
                crops.masks[place] = 0
            else:
                resize(decode_mask(mask), crops.masks[place])
        if crops.landmarks is not None:
            points = self._bytes(order, "landmarks", k)
            moved = None if points is None else scale_points(np.frombuffer(points, "<f4"), image.shape, self.image_size)
            crops.landmarks[place] = np.nan if moved is None else moved

    def _bytes(self, order: Order, kind: str, k: int) -> bytes | None:
        offset, size, crc = (int(value) for value in order.ranges[kind][k])
        return None if size < 0 else self.reader.read(order.files[k], offset, size, crc)


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
