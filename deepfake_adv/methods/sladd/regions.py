"""Where a synthesised forgery sits: ten regions of the face from 68 landmarks; numpy and OpenCV.

Landmarks follow the usual 68-point order: 36-41 left eye, 42-47 right eye (as seen in the image), 30 bridge of the
nose at its lower end, 33 nose tip, 48 and 54 mouth corners. Figures are those of the seed's code, whose images are
256 px: lengths in pixels scale with the image.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[Any]  # float32; OpenCV's own stubs know no dtype

REFERENCE_SIZE = 256  # px; lengths given in pixels hold at this size
LINE_WIDTH = 2  # px, before widening
SMOOTHING = (2, 3.0)  # radius and sigma of the deformed mask's blur, px
ANCHORS = 5  # anchors per side of the deformation
ROUGHENING = 0.3  # probability of eroding, and of dilating instead
SOFTENING = 0.9  # probability of the last blur


class Stroke(NamedTuple):
    """A line between two points, and how far a region reaches from it.

    Attributes:
        start: End of the line, px.
        end: The other one.
        length: What the reach is a share of, px.
        parts: The reach is as many whole pixels as go into that part of ``length`` ...
        times: ... taken so many times.
    """

    start: FloatArray
    end: FloatArray
    length: float
    parts: int
    times: int = 1

    def reach(self, scale: float) -> int:
        """Pixels, counted along rows and columns, in an image ``scale`` times the reference size."""
        return round(scale * self.times * (self.length / scale // self.parts))


def _distance(start: FloatArray, end: FloatArray) -> float:
    return float(np.linalg.norm(end - start))


def _left_eye(points: FloatArray) -> Stroke:
    return Stroke(points[36], points[39], _distance(points[36], points[39]), 4, times=4)


def _right_eye(points: FloatArray) -> Stroke:
    return Stroke(points[42], points[45], _distance(points[42], points[45]), 4, times=4)


def _both_eyes(points: FloatArray) -> Stroke:
    centres = eye_centres(points)
    return Stroke(*centres, _distance(*centres), 4)


def _nose(points: FloatArray) -> Stroke:
    left, right = eye_centres(points)
    return Stroke(points[33], (left + right) / 2, _distance(left, right), 4)


def _mouth(points: FloatArray) -> Stroke:
    return Stroke(points[48], points[54], _distance(points[48], points[54]), 3)


REGIONS: Final[tuple[tuple[Callable[[FloatArray], Stroke], ...], ...]] = (
    (_left_eye,),
    (_right_eye,),
    (_both_eyes,),
    (_nose,),
    (_mouth,),
    (_nose, _left_eye),
    (_nose, _right_eye),
    (_nose, _both_eyes),
    (_nose, _mouth),
    (_both_eyes, _nose, _mouth),
)


def eye_centres(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Midpoints between the corners of each eye.

    Args:
        points: ``(68, 2)``, x and y.
    """
    left: FloatArray = points[[36, 39]].mean(0)
    right: FloatArray = points[[42, 45]].mean(0)
    return left, right


def key_points(points: FloatArray) -> FloatArray:
    """Five points that fix a face's position: eye centres, nose (point 30), mouth corners; ``(5, 2)``."""
    keys: FloatArray = np.stack([*eye_centres(points), points[30], points[48], points[54]])
    return keys


def region_mask(points: FloatArray, region: int, size: tuple[int, int]) -> FloatArray:
    """A region's mask before deformation: all pixels near its strokes, by city-block distance.

    Args:
        points: ``(68, 2)``, x and y in pixels.
        region: Index into `REGIONS`.
        size: Height and width.

    Returns:
        ``(H, W)``, zeros and ones.
    """
    mask, scale = np.zeros(size, np.bool_), size[1] / REFERENCE_SIZE
    for stroke in (part(points) for part in REGIONS[region]):
        beside = np.ones(size, np.uint8)
        ends = [tuple(round(float(value)) for value in point) for point in (stroke.start, stroke.end)]
        cv2.line(beside, ends[0], ends[1], 0, thickness=max(1, round(scale * LINE_WIDTH)))
        mask |= cv2.distanceTransform(beside, cv2.DIST_L1, 3) <= stroke.reach(scale)
    return mask.astype(np.float32)


def deformed(mask: FloatArray, rng: np.random.Generator, *, sigma: float = 10.0) -> FloatArray:
    """The mask bent by random anchors, kept within its former outline, and softened.

    Between the anchors the shift is interpolated bilinearly (the seed's code does so on triangles, and moves
    the anchors too before it shifts them).

    Args:
        mask: ``(H, W)``, zeros and ones.
        rng: Source of the anchors' shifts.
        sigma: Standard deviation of a shift, px of a 256 px image.

    Returns:
        ``(H, W)`` in [0, 1].
    """
    (height, width), scale = mask.shape, mask.shape[1] / REFERENCE_SIZE
    shifts = rng.normal(0, sigma / REFERENCE_SIZE, (2, ANCHORS, ANCHORS))
    across, down = _between(height) @ shifts @ _between(width).T * np.reshape((width, height), (2, 1, 1))
    rows, columns = np.mgrid[:height, :width]
    bent = cv2.remap(mask, (columns + across).astype(np.float32), (rows + down).astype(np.float32), cv2.INTER_LINEAR)
    radius, softness = SMOOTHING
    window = 2 * round(scale * radius) + 1
    soft: FloatArray = cv2.GaussianBlur(bent * mask, (window, window), scale * softness)
    return soft


def _between(size: int) -> FloatArray:
    """Weights ``(size, ANCHORS)`` that interpolate linearly between anchors spread evenly over ``size`` pixels."""
    places = np.linspace(0, ANCHORS - 1, size)
    return np.clip(1 - abs(places[:, None] - np.arange(ANCHORS)), 0, None)


def roughened(mask: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The mask eroded (.3) or dilated (.3) and then blurred (.9) by chance, each with a random odd window.

    Args:
        mask: ``(H, W)``, zeros and ones.
        rng: Source of chance and windows.

    Returns:
        ``(H, W)``, zeros and ones: the blur smooths the outline and is rounded.
    """
    scale = mask.shape[1] / REFERENCE_SIZE
    result: FloatArray = mask.astype(np.uint8)

    def window(least: int, most: int) -> tuple[int, int]:
        size = 2 * round(scale * rng.integers(least, most + 1)) + 1
        return size, size

    draw = rng.random()
    if draw < 2 * ROUGHENING:
        operation = cv2.erode if draw < ROUGHENING else cv2.dilate
        result = operation(result, np.ones(window(1, 9), np.uint8))  # 3 to 19 px
    if rng.random() < SOFTENING:
        result = cv2.GaussianBlur(result, window(0, 8), 0)  # 1 to 17 px
    return result.astype(np.float32)
