"""Putting part of one face into another: alignment, colour transfer, blending; numpy and OpenCV.

This is image work on the CPU: Poisson blending has no counterpart in torch, nothing here needs a gradient (the
synthesizer learns by REINFORCE), and an image takes milliseconds.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from deepfake_adv.methods.sladd.regions import FloatArray, eye_centres, key_points

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


def aligned(reference: FloatArray, reference_points: FloatArray, points: FloatArray) -> FloatArray:
    """The reference image moved so that its face lies on another's five key points.

    Args:
        reference: ``(H, W, 3)``.
        reference_points: ``(68, 2)`` of the reference, px.
        points: ``(68, 2)`` where they should come to lie, px.
    """
    matrix = similarity(key_points(reference_points), key_points(points))
    size = (reference.shape[1], reference.shape[0])
    moved = cv2.warpAffine(reference, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.clip(moved, 0, 1)


def _statistics(image: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray]:
    weights = mask[..., None] / max(float(mask.sum()), TINY)
    mean = (image * weights).sum((0, 1))
    return mean, np.sqrt((((image - mean) ** 2) * weights).sum((0, 1)))


def reinhard(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Mean and spread of each Lab channel within the mask taken from the image."""
    lab_reference, lab_image = (cv2.cvtColor(part, cv2.COLOR_RGB2LAB) for part in (reference, image))
    (mean, spread), (wanted_mean, wanted_spread) = (_statistics(lab, mask) for lab in (lab_reference, lab_image))
    moved = (lab_reference - mean) * (wanted_spread / np.maximum(spread, TINY)) + wanted_mean
    return np.clip(cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1)


def mean_match(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Mean colour within the mask taken from the image."""
    return np.clip(reference + _statistics(image, mask)[0] - _statistics(reference, mask)[0], 0, 1)


def low_pass_match(reference: FloatArray, image: FloatArray, mask: FloatArray, points: FloatArray) -> FloatArray:
    """Colours below .75 of the eye distance taken from the image, as FaceSwap corrects them."""
    left, right = eye_centres(points)
    window = 2 * int(0.375 * float(np.linalg.norm(right - left))) + 1
    blurred_reference, blurred_image = (cv2.GaussianBlur(part, (window, window), 0) for part in (reference, image))
    return np.clip(reference * (blurred_image + 1 / 255) / (blurred_reference + 1 / 255), 0, 1)


COLOUR_TRANSFERS: Final[tuple[Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray], ...]] = (
    reinhard,
    mean_match,
    low_pass_match,
)


def feathered(mask: FloatArray, feather: float) -> FloatArray:
    """The mask falling to 0 over ``feather`` pixels inside its outline, by true distance to it.

    By SciPy: as of OpenCV 5.0 two calls of its precise distanceTransform differ in the last digits.
    """
    from scipy.ndimage import distance_transform_edt  # SciPy takes 0.4 s to import, for one method

    if feather < 1:
        return mask
    distance = distance_transform_edt(mask > 0.5).astype(np.float32)
    return mask * np.clip(distance / feather, 0, 1)


def poisson(face: FloatArray, image: FloatArray, mask: FloatArray) -> FloatArray:
    """Gradient-domain blending within the mask (Perez et al. 2003): the face's differences, the image's rim.

    What is added to the image has the differences of face minus image between pixels inside and none elsewhere; it is
    solved for on the mask's rectangle, 0 on its border, by sine transforms. OpenCV's seamlessClone, which does the
    same, reads memory that it has not written: as of 5.0 two calls give two pictures, up to 37 levels apart.
    """
    from scipy.fft import dstn, idstn

    inside = mask > 0.5
    inside[[0, -1]], inside[:, [0, -1]] = False, False  # the solver needs a border
    left, top, width, height = cv2.boundingRect(inside.astype(np.uint8))
    if width < 3 or height < 3:
        return image
    area = np.s_[top - 1 : top + height + 1, left - 1 : left + width + 1]
    within, change = inside[area], face[area] - image[area]
    down = np.diff(change, axis=0) * (within[1:] & within[:-1])[..., None]
    across = np.diff(change, axis=1) * (within[:, 1:] & within[:, :-1])[..., None]
    divergence = np.diff(down, axis=0)[:, 1:-1] + np.diff(across, axis=1)[1:-1]
    rates = [2 * np.cos(np.pi * np.arange(1, count + 1) / (count + 1)) - 2 for count in (height, width)]
    waves = dstn(divergence, type=1, axes=(0, 1)) / np.add.outer(*rates)[..., None]
    blended = image.copy()
    blended[area][1:-1, 1:-1] += idstn(waves, type=1, axes=(0, 1)) * within[1:-1, 1:-1, None]
    return np.clip(blended, 0, 1).astype(np.float32)


def mix(face: FloatArray, image: FloatArray, weights: FloatArray) -> FloatArray:
    """``weights`` of the face and the rest of the image."""
    return image + weights[..., None] * (face - image)
