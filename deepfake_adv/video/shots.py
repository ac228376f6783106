"""Finds hard cuts between shots by the difference of successive thumbnails.

A frame's difference is the mean absolute difference of its thumbnail and that of the frame before. A frame begins a
shot if its difference is large, or much larger than those around it. So a fast movement does not count as a cut, and a
change between two people at one place does.

The thresholds were chosen on 36 real clips of talking people (256 to 1080 pixels wide, 12 to 30 frames per second) and
on all 1,260 ordered pairs of them joined end to end; ten of the clips show different people in one seat before one
wall. On every frame and on every second frame, all cuts but one pair's were found at 8 and 4 times, and none of 9,406
frames within a clip was reported as one; on every fifth and tenth frame, 5 of 1,831 were. Movement alone reached 19 on
every frame and 35 on every tenth. Fades and dissolves are not detected.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.video.colour import Frame, i420_to_rgb

T = TypeVar("T")

_SIDE: Final = 32  # pixels of a thumbnail
_CERTAIN: Final = 30.0  # 8-bit levels; in a montage of short shots no frames are quiet
_LEAST: Final = 8.0  # 8-bit levels
_STANDS_OUT: Final = 4.0  # times the median difference around it
_REACH: Final = 3  # frames to either side that it is compared with


def thumbnail(rgb: Frame) -> NDArray[np.float32]:
    """A frame of ``(H, W, 3)`` uint8 RGB, any size, as ``(32, 32, 3)`` in 8-bit levels."""
    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def planes_thumbnail(planes: Frame) -> NDArray[np.float32]:
    """The same for I420 planes, which are shrunk before conversion: the full frame's RGB is not needed."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    small = np.empty((_SIDE * 3, _SIDE * 2), np.uint8)
    cv2.resize(planes[:height], (_SIDE * 2, _SIDE * 2), dst=small[: _SIDE * 2], interpolation=cv2.INTER_AREA)
    for plane, out in zip(chroma, small[_SIDE * 2 :].reshape(2, _SIDE, _SIDE), strict=True):
        cv2.resize(plane, (_SIDE, _SIDE), dst=out, interpolation=cv2.INTER_AREA)
    return thumbnail(i420_to_rgb(small))


def mark_cuts(items: Iterable[T], look: Callable[[T], NDArray[np.float32]]) -> Iterator[tuple[T, bool]]:
    """Report for each item whether it begins a new shot; the first one does not.

    Works on a stream: an item is yielded when the three after it are known.

    Args:
        items: One for each frame, in order of time.
        look: Gives an item's thumbnail.

    Yields:
        Each item, and whether there is a cut between the one before and it.
    """
    waiting: deque[T] = deque()
    differences: deque[float] = deque(maxlen=2 * _REACH + 1)  # each to the frame before; the middle one is tested
    before: NDArray[np.float32] | None = None
    for item in items:
        waiting.append(item)
        picture = look(item)
        differences.append(np.nan if before is None else float(np.abs(picture - before).mean()))
        before = picture
        if len(waiting) > _REACH:
            yield waiting.popleft(), _stands_out(differences, len(differences) - 1 - _REACH)
    while waiting:
        yield waiting.popleft(), _stands_out(differences, len(differences) - 1 - len(waiting))


def find_cuts(thumbnails: Iterable[NDArray[np.float32]]) -> list[int]:
    """Positions of the frames that begin a new shot, without the first."""
    marked = mark_cuts(thumbnails, lambda picture: picture)
    return [place for place, (_, cut) in enumerate(marked) if cut]


def _stands_out(differences: Sequence[float], place: int) -> bool:
    """Whether a difference marks a cut; the first frame, which has none, has NaN."""
    known = list(differences)
    around = [*known[max(place - _REACH, 0) : place], *known[place + 1 : place + 1 + _REACH]]
    around = [value for value in around if not np.isnan(value)]
    usual = float(np.median(around)) if around else 0.0
    return known[place] >= _CERTAIN or (known[place] >= _LEAST and known[place] >= _STANDS_OUT * usual)
