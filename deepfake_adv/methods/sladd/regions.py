"""Where a synthesised forgery sits: ten regions of the face from 68 landmarks; numpy and OpenCV.

Landmarks follow the usual 68-point order: 36-41 left eye, 42-47 right eye (as seen in the image), 33 nose tip,
48 and 54 mouth corners.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[Any]  # float32; OpenCV's own stubs know no dtype

LINE_WIDTH = 2  # px, before widening
MASK_SMOOTHING = (5, 3.0)  # kernel (px) and sigma of the last blur
ANCHORS = 5  # anchors per side of the deformation
REFERENCE_SIZE = 256  # px; lengths given in pixels hold at this size and scale with the image


class Stroke(NamedTuple):
    """A line between two points, widened by a share of its length."""

    start: FloatArray
    end: FloatArray
    widening: float


def _left_eye(points: FloatArray) -> Stroke:
    return Stroke(points[36], points[39], 1.0)


def _right_eye(points: FloatArray) -> Stroke:
    return Stroke(points[42], points[45], 1.0)


def _both_eyes(points: FloatArray) -> Stroke:
    return Stroke(*eye_centres(points), 0.25)


def _nose(points: FloatArray) -> Stroke:
    left, right = eye_centres(points)
    return Stroke(points[33], (left + right) / 2, 0.25)


def _mouth(points: FloatArray) -> Stroke:
    return Stroke(points[48], points[54], 1 / 3)


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
    """Five points that fix a face's position: eye centres, nose tip, mouth corners; ``(5, 2)``."""
    keys: FloatArray = np.stack([*eye_centres(points), points[33], points[48], points[54]])
    return keys


def region_mask(points: FloatArray, region: int, size: tuple[int, int]) -> FloatArray:
    """A region's mask before deformation.

    Args:
        points: ``(68, 2)``, x and y in pixels.
        region: Index into `REGIONS`.
        size: Height and width.

    Returns:
        ``(H, W)``, zeros and ones.
    """
    mask = np.zeros(size, np.uint8)
    for stroke in (part(points) for part in REGIONS[region]):
        width = LINE_WIDTH + 2 * round(stroke.widening * float(np.linalg.norm(stroke.end - stroke.start)))
        ends = [tuple(round(float(value)) for value in point) for point in (stroke.start, stroke.end)]
        cv2.line(mask, ends[0], ends[1], 1, thickness=max(1, width))
    return mask.astype(np.float32)


def deformed(mask: FloatArray, generator: np.random.Generator, *, sigma: float = 10.0) -> FloatArray:
    """The mask bent by random anchors, kept within its former outline, and softened.

    Args:
        mask: ``(H, W)`` in [0, 1].
        generator: Source of the anchors' shifts.
        sigma: Standard deviation of a shift, px of a 256 px image.
    """
    height, width = mask.shape
    shifts = generator.normal(0, sigma / REFERENCE_SIZE, (ANCHORS, ANCHORS, 2)) * (width, height)
    field = cv2.resize(shifts.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    bent = cv2.remap(mask, columns + field[..., 0], rows + field[..., 1], cv2.INTER_LINEAR)
    kernel, softness = MASK_SMOOTHING
    soft: FloatArray = cv2.GaussianBlur(bent * mask, (kernel, kernel), softness)
    return soft


def roughened(mask: FloatArray, generator: np.random.Generator) -> FloatArray:
    """The mask eroded (.3), dilated (.3) and blurred (.9), each by chance and with a random odd window."""
    scale = mask.shape[1] / REFERENCE_SIZE

    def window(low: int, high: int) -> int:
        return 2 * round(scale * generator.integers(low, high + 1) / 2) + 1

    for chance, operation in ((0.3, cv2.erode), (0.3, cv2.dilate)):
        if generator.random() < chance:
            size = window(2, 18)  # 3 to 19 px at 256
            mask = operation(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    if generator.random() < 0.9:
        size = window(0, 16)
        mask = cv2.GaussianBlur(mask, (size, size), 0)
    return np.clip(mask, 0, 1)
