"""From detections on a few frames to one smooth box for every frame, each miss accounted for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox, iou

Found = dict[int, list[FaceBox]]

SEEN: Final = ""
INTERPOLATED: Final = "interpolated"
NEAREST: Final = "nearest"
DROPPED: Final = "dropped"


@dataclass(frozen=True)
class Track:
    """One face through a video.

    Attributes:
        frames: ``(N,)`` int, absolute index of each sampled frame, rising.
        boxes: ``(N, 4)`` float, x0 y0 x1 y1 in pixels; NaN where there is none.
        confidence: ``(N,)`` float; between two detections the lesser one's, 0 where the face was missed.
        action: ``(N,)`` str, "" where the face was seen, else what was done instead.
        shot: ``(N,)`` int, the same number where neighbours may be interpolated between.
        points: ``(N, 136)`` float, 68 landmarks x0 y0 x1 y1 ... in pixels, or None; not smoothed, as lips move fast.
    """

    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]
    confidence: NDArray[np.float64]
    action: NDArray[np.str_]
    shot: NDArray[np.int64]
    points: NDArray[np.float64] | None = None


def detect_sparse(
    frames: Iterable[tuple[int, Any]], find: Callable[[Any], list[FaceBox]], *, every: int, agree: float, same: float
) -> tuple[list[int], Found]:
    """Detect on every n-th frame, once more between two that disagree, and by bisection around cuts and misses.

    Reads the frames once, in order, and holds `every` + 1 of them.

    Args:
        frames: Absolute index and picture of each sampled frame.
        find: The locator, on one picture.
        every: Stride; the last frame is always looked at.
        agree: Least IoU of neighbours between which no frame is looked at.
        same: Least IoU of the same face in the same shot; below it the search goes on to the very frame.

    Returns:
        The absolute indices, and the faces of each position looked at (an empty list: none found).
    """
    indices: list[int] = []
    window: list[tuple[int, Any]] = []
    found: Found = {}

    def look(place: int) -> None:
        position, picture = window[place]
        if position not in found:
            found[position] = find(picture)

    def bisect(low: int, high: int, least: float) -> None:
        if high - low <= 1 or _agree(found[window[low][0]], found[window[high][0]], least):
            return
        middle = (low + high) // 2
        look(middle)
        bisect(low, middle, same)
        bisect(middle, high, same)

    def close() -> None:
        look(len(window) - 1)
        bisect(0, len(window) - 1, agree)
        del window[:-1]

    for position, (index, picture) in enumerate(frames):
        indices.append(index)
        window.append((position, picture))
        if position % every == 0:
            close()
    if len(window) > 1:
        close()
    return indices, found


def _agree(first: list[FaceBox], second: list[FaceBox], least: float) -> bool:
    """Whether the most confident face of each frame has a counterpart in the other."""
    if not first or not second:
        return False
    forth = max(iou(first[0], box) for box in second)
    back = max(iou(second[0], box) for box in first)
    return min(forth, back) >= least


def fill_track(
    indices: list[int], chosen: Mapping[int, FaceBox], asked: Iterable[int], *, same: float, smooth: int
) -> Track:
    """One box for every sampled frame: interpolate, smooth within a shot, hold across what was missed.

    Args:
        indices: Absolute index of each sampled frame.
        chosen: The face by position, where one was found.
        asked: Positions that the locator looked at.
        same: Least IoU of detections that follow one another in one shot.
        smooth: Width of the running mean in sampled frames, odd; 1 for none.

    Returns:
        The track. A position that was looked at in vain is a miss, "interpolated" between two
        detections of one shot, else "nearest"; where the video has no face at all, "dropped".
    """
    count = len(indices)
    boxes = np.full((count, 4), np.nan)
    confidence = np.zeros(count)
    action = np.full(count, SEEN, dtype="<U12")
    shot = np.zeros(count, dtype=np.int64)
    known = sorted(chosen)
    missed = sorted(set(asked) - set(known))
    if not known:
        action[:] = DROPPED
        return Track(np.array(indices, dtype=np.int64), boxes, confidence, action, np.arange(count))
    action[missed] = INTERPOLATED
    breaks = [k for k in range(1, len(known)) if iou(chosen[known[k - 1]], chosen[known[k]]) < same]
    for number, run in enumerate(np.split(np.array(known), breaks)):
        span = np.arange(run[0], run[-1] + 1)
        corners = np.array([chosen[p][:4] for p in run], dtype=float)
        filled = np.stack([np.interp(span, run, corners[:, c]) for c in range(4)], axis=1)
        boxes[span] = _running_mean(filled, smooth)
        scores = np.array([chosen[p].confidence for p in run])
        right = np.minimum(np.searchsorted(run, span), len(run) - 1)
        left = np.maximum(np.searchsorted(run, span, side="right") - 1, 0)
        confidence[span] = np.minimum(scores[left], scores[right])
        shot[span] = number
    confidence[missed] = 0
    held = np.flatnonzero(np.isnan(boxes[:, 0]))
    if held.size:
        solid = np.flatnonzero(~np.isnan(boxes[:, 0]))
        near = solid[np.abs(held[:, None] - solid[None, :]).argmin(axis=1)]
        boxes[held], shot[held], action[held] = boxes[near], shot[near], NEAREST
    return Track(np.array(indices, dtype=np.int64), boxes, confidence, action, shot)


def _running_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mean of the rows around each; the window shrinks, centred, towards the ends.

    Not the median: a HOG detector's boxes come in steps of a tenth in place and a fifth in size, between which
    a median jumps. Outliers need none: what overlaps its neighbours too little is a shot of its own.
    """
    half = width // 2
    if half == 0 or len(values) < 3:
        return values
    out = np.empty_like(values)
    for row in range(len(values)):
        reach = min(half, row, len(values) - 1 - row)
        out[row] = values[row - reach : row + reach + 1].mean(axis=0)
    return out


def sample_track(track: Track, frames: NDArray[np.int64], *, end: int) -> Track:
    """Boxes of a track at other frames of the same timeline, by absolute index.

    Args:
        track: Of the source video.
        frames: ``(M,)`` absolute indices asked for, such as a shorter forgery's own.
        end: Number of frames of the source video; a later frame has no counterpart in it and is a
            miss that holds the last box ("nearest").

    Returns:
        The same face at `frames`: interpolated within a shot, else the nearer sampled frame's box.
    """
    if not len(track.frames):
        return _nowhere(frames)
    right = np.clip(np.searchsorted(track.frames, frames), 0, len(track.frames) - 1)
    left = np.clip(np.searchsorted(track.frames, frames, side="right") - 1, 0, len(track.frames) - 1)
    span = np.maximum(track.frames[right] - track.frames[left], 1)
    share = np.clip((frames - track.frames[left]) / span, 0, 1)
    near = np.where(share <= 0.5, left, right)
    whole = track.shot[left] != track.shot[right]
    left, right = np.where(whole, near, left), np.where(whole, near, right)

    def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[left] + share[:, None] * (values[right] - values[left])

    action = track.action[near].copy()
    action[(frames >= end) & (action == SEEN)] = NEAREST
    confidence = np.where(action == SEEN, np.minimum(track.confidence[left], track.confidence[right]), 0.0)
    points = None if track.points is None else between(track.points)
    return Track(frames, between(track.boxes), confidence, action, track.shot[near], points)


def _nowhere(frames: NDArray[np.int64]) -> Track:
    count = len(frames)
    return Track(
        frames, np.full((count, 4), np.nan), np.zeros(count), np.full(count, DROPPED, dtype="<U12"), np.arange(count)
    )
