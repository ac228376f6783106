"""Blends a part of one face into another: alignment, colour transfer, mixing; numpy and OpenCV.

It runs on the CPU: no gradient is needed, since the synthesizer is trained by REINFORCE, and an image takes
milliseconds.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from deepfake_adv.methods.sladd.regions import REFERENCE_SIZE, FloatArray

TINY = 1e-6


def similarity(source: FloatArray, target: FloatArray) -> FloatArray:
    """The similarity transform that brings points closest to others, by Umeyama's closed form.

    Args:
        source: ``(N, 2)``.
        target: ``(N, 2)``.

    Returns:
        ``(2, 3)``; NaN where the source points coincide.
    """
    source64, target64 = source.astype(np.float64), target.astype(np.float64)
    from_, to = source64 - source64.mean(0), target64 - target64.mean(0)
    left, singular, right = np.linalg.svd(to.T @ from_ / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])  # no mirroring
    rotation = left @ np.diag(signs) @ right
    spread = from_.var(0).sum()
    scale = singular @ signs / spread if spread > 0 else np.nan
    shift = target64.mean(0) - scale * rotation @ source64.mean(0)
    return np.column_stack([scale * rotation, shift])


def moved(picture: FloatArray, matrix: FloatArray) -> FloatArray:
    """An image ``(H, W, 3)`` or mask ``(H, W)`` in [0, 1] under an affine transform ``(2, 3)``, bicubically."""
    size = (picture.shape[1], picture.shape[0])
    warped = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.clip(warped, 0, 1)


def _statistics(image: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray]:
    weights = mask[..., None] / max(float(mask.sum()), TINY)
    mean = (image * weights).sum((0, 1))
    return mean, np.sqrt((((image - mean) ** 2) * weights).sum((0, 1)))


def reinhard(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Mean and spread of each Lab channel within the mask taken from the image.

    The seed's code takes them over the whole picture, zeros outside the mask, and scales to the range.
    """
    lab_reference, lab_image = (cv2.cvtColor(part, cv2.COLOR_RGB2LAB) for part in (reference, image))
    (mean, spread), (wanted_mean, wanted_spread) = (_statistics(lab, mask) for lab in (lab_reference, lab_image))
    changed = (lab_reference - mean) * (wanted_spread / np.maximum(spread, TINY)) + wanted_mean
    return np.clip(cv2.cvtColor(changed.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1)


def mean_match(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Mean colour within the mask taken from the image; the seed's ``rct-fs``."""
    result: FloatArray = np.clip(reference + _statistics(image, mask)[0] - _statistics(reference, mask)[0], 0, 1)
    return result


def average_align(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Colour shifted by what the masked pictures' averages differ; the seed's ``avg-align``.

    The average is over the whole picture, 0 outside the mask: the shift is `mean_match`'s times the mask's share of
    the picture, so that a small region keeps its own colour.
    """
    result: FloatArray = np.clip(reference + ((image - reference) * mask[..., None]).mean((0, 1)), 0, 1)
    return result


def low_pass_match(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Colours below .75 of the eye distance taken from the image within the mask, as FaceSwap corrects them."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    window = 2 * int(0.375 * float(np.linalg.norm(right - left))) + 1
    blurred_reference, blurred_image = (
        cv2.GaussianBlur(part * mask[..., None], (window, window), 0) for part in (reference, image)
    )
    result: FloatArray = np.clip(reference * (blurred_image + 1 / 255) / (blurred_reference + 1 / 255), 0, 1)
    return result


COLOUR_TRANSFERS: Final[tuple[Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray], ...]] = (
    reinhard,
    mean_match,
    average_align,
    low_pass_match,
)


def share_of_alpha(mask: FloatArray, feather: float) -> float:
    """The face's share in an alpha blend; the same all over the mask.

    The seed's code divides by the feather's width not the distance to the outline but its sign, which its authors
    chose for traces that cannot be seen: 1 over the width, where that is a pixel or more. (The few pixels on the
    convex hull of the mask get 0 there.)

    Args:
        mask: ``(H, W)``, zeros and ones, not empty.
        feather: Width of the feather, share of the mask's longer side.
    """
    _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
    pixels = feather * (max(width, height) - 1) * REFERENCE_SIZE / mask.shape[1]
    result: float = 1 / max(pixels, 1.0)
    return result


def mix(face: FloatArray, image: FloatArray, weights: FloatArray) -> FloatArray:
    """``weights`` ``(H, W)`` of the face and the rest of the image."""
    result: FloatArray = image + weights[..., None] * (face - image)
    return result
