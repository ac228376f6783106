"""Transfers one person's expression to another's landmarks, and finds frames that show an expression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.forge.geometry import (
    BROWS,
    INNER_LIPS,
    LEFT_EYE,
    MOUTH,
    RIGHT_EYE,
    Points,
    eye_frame,
    invert,
    transform,
    upright,
)

_JAW_FOLLOWS = np.array([0.1, 0.35, 0.6, 0.75, 0.8, 0.75, 0.6, 0.35, 0.1])  # landmarks 4..12
_CORNERS = [48, 54]
_POSE_COST = 0.4
_LOWER_LIP = [65, 66, 67, 55, 56, 57, 58, 59]
_LOWER_LIP_FOLLOWS = np.array([0.9, 1.0, 0.9, 0.5, 0.9, 1.0, 0.9, 0.5])


def reenact(target: Points, driver: Points, *, gain: float, whole_face: bool) -> Points:
    """The target's landmarks with the driver's expression; pose, place and identity stay the target's.

    An expression is the difference from the clip's own mean, scaled by the two mouths' widths, so that
    the driver's anatomy is not transferred.

    Args:
        target: ``(N, 68, 2)`` pixels.
        driver: ``(M, 68, 2)``; if it is the shorter clip, its last frame is repeated.
        gain: Share of the driver's expression that is transferred.
        whole_face: Brows and lids too, not the mouth alone.

    Returns:
        ``(N, 68, 2)`` pixels.
    """
    count = len(target)
    mine = upright(target)
    theirs = upright(driver)[np.minimum(np.arange(count), len(driver) - 1)]
    out = mine.copy()
    centre = mine[:, _CORNERS].mean(1, keepdims=True)
    my_mouth = mine[:, MOUTH] - centre
    their_mouth = theirs[:, MOUTH] - theirs[:, _CORNERS].mean(1, keepdims=True)
    scale = gain * np.ptp(my_mouth[..., 0], axis=1).mean() / np.ptp(their_mouth[..., 0], axis=1).mean()
    rest = 0.5 * my_mouth.mean(0) + 0.5 * np.quantile(my_mouth, 0.35, axis=0)
    mouth = rest + scale * (their_mouth - their_mouth.mean(0))
    for upper, lower in INNER_LIPS:
        top, bottom = mouth[:, upper - 48, 1], mouth[:, lower - 48, 1]
        middle, gap = (top + bottom) / 2, np.maximum(bottom - top, 0.004)
        mouth[:, upper - 48, 1], mouth[:, lower - 48, 1] = middle - gap / 2, middle + gap / 2
    out[:, MOUTH] = centre + mouth
    drop = mouth[:, 57 - 48, 1] - my_mouth[:, 57 - 48, 1]
    out[:, 4:13, 1] += drop[:, None] * _JAW_FOLLOWS
    if whole_face:
        for part in (BROWS, LEFT_EYE, RIGHT_EYE):
            offset = (theirs[:, part] - theirs[:, part].mean(0)) * [0.4, 1.0]
            out[:, part] = 0.5 * mine[:, part] + 0.5 * mine[:, part].mean(0) + 0.9 * gain * offset
    return np.stack([transform(invert(eye_frame(points)), o) for points, o in zip(target, out, strict=True)])


def limit_opening(points: Points, widest: float) -> Points:
    """Shut the mouth to a lip gap of at most ``widest`` eye distances by raising the lower lip.

    If the donor never opened the mouth that far, no frame shows teeth, and the lips would only be stretched.

    Args:
        points: ``(68, 2)`` pixels.
        widest: Lip gap allowed, eye distances.
    """
    frame = eye_frame(points)
    shape = transform(frame, points)
    excess = max(shape[66, 1] - shape[62, 1] - widest, 0.0)
    shape[_LOWER_LIP, 1] -= excess * _LOWER_LIP_FOLLOWS
    return transform(invert(frame), shape)


def lip_gap(track: Points) -> Points:
    """Distance between the inner lips in each frame of ``(N, 68, 2)``, eye distances."""
    shape = upright(track)
    return np.asarray(shape[:, 66, 1] - shape[:, 62, 1])


def apertures(track: Points, *, mouth: bool, eyes: bool) -> Points:
    """Opening and width of the mouth and opening of the eyes, per frame; only those that are requested."""
    shape = upright(track)
    columns = []
    if mouth:
        columns += [shape[:, 66, 1] - shape[:, 62, 1], 0.5 * np.ptp(shape[:, MOUTH, 0], axis=1)]
    if eyes:
        lower, upper = shape[:, [40, 41, 46, 47], 1].mean(1), shape[:, [37, 38, 43, 44], 1].mean(1)
        columns.append(1.5 * (lower - upper))
    return np.stack(columns, axis=1)


def best_frames(
    pool: Points, goal: Points, *, mouth: bool = True, eyes: bool = False, jump_cost: float = 0.008
) -> list[int]:
    """For each goal shape the frame of ``pool`` that agrees best; a small cost avoids jumps between distant frames.

    Args:
        pool: ``(M, 68, 2)`` landmarks of the frames to choose from.
        goal: ``(N, 68, 2)`` landmarks wanted.
        mouth: Compare the mouths.
        eyes: Compare the eyes.
        jump_cost: Cost of choosing a frame that does not neighbour the last choice, eye distances.
    """
    have, want = (apertures(track, mouth=mouth, eyes=eyes) for track in (pool, goal))
    # A different position of the nose is a different pose, whose mouth would not fit.
    turned, turns = (upright(track)[:, 30] for track in (pool, goal))
    index: NDArray[np.intp] = np.arange(len(have))
    chosen: list[int] = []
    for moment, aim in enumerate(want):
        cost = np.abs(have - aim).sum(1) + 0.004 * np.minimum(np.abs(index - moment), 30) / 30
        cost = cost + _POSE_COST * np.abs(turned - turns[moment]).sum(1)
        if chosen:
            cost = cost + jump_cost * (np.abs(index - chosen[-1]) > 3)
        chosen.append(int(cost.argmin()))
    return chosen
