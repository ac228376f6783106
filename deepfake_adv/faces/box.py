"""Face boxes and the squares cut around them, by FaceForensics++'s rule."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class FaceBox(NamedTuple):
    """A face in a frame: corners in pixels (x right, y down) and the locator's own confidence."""

    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float = 0.0

    @property
    def side(self) -> float:
        """The longer side in pixels."""
        return max(self.x1 - self.x0, self.y1 - self.y0)


class Square(NamedTuple):
    """A square of whole pixels: left, top, side."""

    x: int
    y: int
    side: int


def official_crop(box: FaceBox, width: int, height: int, *, margin: float = 1.3, even: bool = False) -> Square:
    """The square that FaceForensics++'s own script cuts around a face.

    Side: the longer side of the box times the margin. Near a border the square is first shifted
    in, then shrunk, never padded; there it is no longer centred on the face.

    Args:
        box: The face.
        width: Of the frame, pixels.
        height: Of the frame, pixels.
        margin: Side of the square over longer side of the box.
        even: Round left, top and side down to even numbers, as planes with halved chroma need.

    Raises:
        ValueError: If no pixel of the square lies in the frame.
    """
    side = int(box.side * margin)
    x = max(int((box.x0 + box.x1) // 2) - side // 2, 0)
    y = max(int((box.y0 + box.y1) // 2) - side // 2, 0)
    side = min(side, width - x, height - y)
    if even:
        # x and y only move towards the corner, so the evened square stays in the frame
        x, y, side = x // 2 * 2, y // 2 * 2, side // 2 * 2
    if side < 1:
        raise ValueError(
            f"box must overlap the frame of {width} x {height} px; got {tuple(box[:4])}. Locate the face again."
        )
    return Square(x, y, side)


def iou(first: FaceBox, second: FaceBox) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    shared = _intersection(first, second)
    union = _area(first) + _area(second) - shared
    return shared / union if union > 0 else 0.0


def mask_overlap(box: FaceBox, mask: NDArray[np.uint8]) -> float:
    """Share of a forgery mask's pixels (value above 1) that lie in the box; 0 where the mask is empty.

    Args:
        box: The face.
        mask: ``(H, W)`` uint8 of the whole frame.
    """
    marked = mask > 1
    total = int(marked.sum())
    if total == 0:
        return 0.0
    x0, y0, x1, y1 = (max(round(value), 0) for value in box[:4])
    return int(marked[y0:y1, x0:x1].sum()) / total


def _area(box: FaceBox) -> float:
    return max(box.x1 - box.x0, 0.0) * max(box.y1 - box.y0, 0.0)


def _intersection(first: FaceBox, second: FaceBox) -> float:
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return max(width, 0.0) * max(height, 0.0)
