"""Blends a forged face into a frame: soft masks, colour matching, and unchanged samples elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.forge.geometry import Frame, Layer


@dataclass(frozen=True)
class Forged:
    """A forged clip: RGB frames ``(H, W, 3)`` and blending masks ``(H, W)``, uint8, 255 = replaced."""

    frames: list[Frame]
    masks: list[Frame]


def paste(frame: Frame, patch: Frame | Layer, mask: Frame, rows: slice, columns: slice) -> tuple[Frame, Frame]:
    """Blend ``patch`` into a box of ``frame``; returns the new frame and the mask at the frame's size."""
    out, full = frame.copy(), np.zeros(frame.shape[:2], np.uint8)
    base = frame[rows, columns].astype(np.float32)
    share = mask.astype(np.float32)[..., None] / np.float32(255)
    mixed = base + (patch.astype(np.float32) - base) * share
    out[rows, columns] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    full[rows, columns] = mask
    return out, full


def feather(inside: NDArray[np.bool_], width: float) -> Frame:
    """A mask that rises linearly over ``width`` pixels from the border of ``inside`` inwards."""
    solid = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    framed = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
    result: Frame = np.clip(255 * distance / max(width, 1.0), 0, 255).astype(np.uint8)
    return result


def colour_moments(picture: Frame | Layer, mask: Frame) -> tuple[Layer, Layer]:
    """Mean and standard deviation per channel where ``mask`` is above half, ``(3,)`` each."""
    mean, deviation = cv2.meanStdDev(picture, mask=(mask > 127).astype(np.uint8))
    return mean[:, 0].astype(np.float32), deviation[:, 0].astype(np.float32) + np.float32(1e-3)


def match_colour(face: Layer, scene: Frame, mask: Frame, *, contrast: bool = False) -> Layer:
    """Give ``face`` the mean colour that ``scene`` has under ``mask``, as another light would.

    Half of the change (in logarithms) is a factor per channel, the rest a shift: a shift alone between
    differently lit clips turns lashes and lips blue, and a factor alone amplifies a weak channel's noise.

    Args:
        face: ``(h, w, 3)`` float32.
        scene: ``(h, w, 3)`` uint8, the pixels that the face will replace.
        mask: ``(h, w)`` uint8.
        contrast: Match the standard deviation too, by one factor for the three channels.
    """
    (mean, spread), (goal, goal_spread) = (colour_moments(picture, mask) for picture in (face, scene))
    gain = np.clip(np.sqrt(goal / np.maximum(mean, 1.0)), 0.6, 1.6)
    centred = (face - mean) * gain
    if contrast:
        centred *= np.clip(goal_spread.mean() / (spread * gain).mean(), 0.6, 1.4)
    result: Layer = centred + goal
    return result


def keep_outside(forged: Frame, original: Frame, mask: Frame) -> Frame:
    """The forged I420 frame with the original's samples, unchanged, outside the mask.

    Blending happens in RGB, and the conversion to RGB and back changes samples by a level. Outside the mask this
    must not happen, or a detector would learn the conversion instead of the forgery.

    Args:
        forged: I420 ``(H * 3 // 2, W)``.
        original: The original's I420 frame.
        mask: ``(H, W)``, 0 where nothing was replaced.
    """
    height, width = mask.shape
    out = forged.copy()
    untouched = mask == 0
    out[:height][untouched] = original[:height][untouched]
    blocks = mask.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3)) == 0
    planes = out[height:].reshape(2, height // 2, width // 2)
    planes[:, blocks] = original[height:].reshape(planes.shape)[:, blocks]
    return out
