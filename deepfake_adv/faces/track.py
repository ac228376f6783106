"""From detections on a few frames to one smooth box for every frame; every miss is recorded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.faces.box import FaceBox, iou

Found = dict[int, list[FaceBox]]

SEEN: Final = ""
INTERPOLATED: Final = "interpolated"
DROPPED: Final = "dropped"

NO_FACE: Final = "no face found"
ANOTHER: Final = "another face only"
UNKNOWN: Final = "between two shots or too far from a detection"

_WITHIN: Final = 50  # most frames of the video between two examined frames; two seconds at 25 frames a second


class Detections(NamedTuple):
    """The detections in a video's sampled frames.

    Attributes:
        indices: Absolute index of each sampled frame.
        found: The faces at each examined position; an empty list if there is none.
        cuts: Positions that begin a new shot, in ascending order, without the first.
    """

    indices: list[int]
    found: Found
    cuts: list[int]

    def positions(self) -> list[int]:
        """The positions that were looked at, rising."""
        return sorted(self.found)

    def shots(self, positions: Sequence[int]) -> list[int]:
        """Number of each position's shot."""
        return [int(number) for number in np.searchsorted(self.cuts, positions, side="right")]


@dataclass(frozen=True)
class Track:
    """One face through a video.

    Attributes:
        frames: ``(N,)`` int, absolute index of each sampled frame, ascending.
        boxes: ``(N, 4)`` float, x0 y0 x1 y1 in pixels; NaN if there is no box.
        confidence: ``(N,)`` float; between two detections the smaller value, 0 where the face was missed.
        action: ``(N,)`` str, "" where the face was detected, else what was done instead.
        reason: ``(N,)`` str, why it was not detected; "" where it was.
        shot: ``(N,)`` int, the same number where neighbours may be interpolated between; -1 where there is no box.
        points: ``(N, 136)`` float, 68 landmarks x0 y0 x1 y1 ... in pixels, or None; not smoothed, since lips move fast.
    """

    frames: NDArray[np.integer]
    boxes: NDArray[np.float64]
    confidence: NDArray[np.float64]
    action: NDArray[np.str_]
    reason: NDArray[np.str_]
    shot: NDArray[np.int64]
    points: NDArray[np.float64] | None = None


def detect_sparse(
    frames: Iterable[tuple[tuple[int, Any], bool]],
    find: Callable[[Any], list[FaceBox]],
    *,
    every: int,
    agree: float,
    same: float,
) -> Detections:
    """Detect on every n-th frame, once more between two that disagree, and by bisection around cuts and misses.

    Both sides of a cut are examined, and more than every n-th frame where frames are far apart in the video. Reads
    the frames once, in order, and holds `every` + 1 of them.

    Args:
        frames: Absolute index and picture of each sampled frame, and whether it begins a new shot, as `mark_cuts`
            gives them.
        find: The locator, on one picture.
        every: Stride; the last frame of a shot is always examined.
        agree: Smallest IoU of neighbours between which no frame is examined.
        same: Smallest IoU of one face in one shot; below it the search continues to the exact frame.
    """
    indices: list[int] = []
    cuts: list[int] = []
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

    for position, ((index, picture), cut) in enumerate(frames):
        if cut:
            close()
            window.clear()
            cuts.append(position)
        elif len(window) > 1 and index - indices[window[0][0]] > _WITHIN:
            close()
        indices.append(index)
        window.append((position, picture))
        if len(window) == 1:
            look(0)
        elif len(window) > every:
            close()
    if len(window) > 1:
        close()
    return Detections(indices, found, cuts)


def _agree(first: list[FaceBox], second: list[FaceBox], least: float) -> bool:
    """Whether both frames have faces, and each face has a counterpart in the other frame."""
    if not first or not second:
        return False
    overlaps = np.array([[iou(one, other) for other in second] for one in first])
    return bool(min(overlaps.max(axis=0).min(), overlaps.max(axis=1).min()) >= least)


def fill_track(
    detections: Detections, chosen: Mapping[int, FaceBox], *, same: float, smooth: int, max_gap: int
) -> Track:
    """A box for every sampled frame that shows the face, smoothed; frames without it are filled over short gaps only.

    Args:
        detections: Detections of the video.
        chosen: The face by position, where the person was found.
        same: Smallest IoU of successive detections in one shot.
        smooth: Width of the running mean in sampled frames, odd; 1 for none.
        max_gap: Most frames of the video, sampled or not, between two detections of one shot that a frame without
            the face between them is filled over; 0 for none.

    Returns:
        The track. An examined position without the face is a miss: "interpolated" over a short gap, else "dropped",
        as are those before a shot's first detection and after its last.
    """
    indices, found, cuts = detections
    frames = np.array(indices, dtype=np.int64)
    count = len(indices)
    boxes = np.full((count, 4), np.nan)
    confidence = np.zeros(count)
    shot = np.full(count, -1, dtype=np.int64)
    known = np.array(sorted(chosen), dtype=np.int64)
    missed = np.array(sorted(set(found) - set(chosen)), dtype=np.int64)
    scenes = np.searchsorted(cuts, known, side="right")

    def breaks(k: int) -> bool:
        left, right = known[k - 1], known[k]
        gap = np.searchsorted(missed, left) != np.searchsorted(missed, right)
        return bool(
            scenes[k - 1] != scenes[k]
            or iou(chosen[left], chosen[right]) < same
            or (gap and frames[right] - frames[left] - 1 > max_gap)
        )

    runs = np.split(known, [k for k in range(1, len(known)) if breaks(k)]) if len(known) else []
    for number, run in enumerate(runs):
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
    action = np.full(count, SEEN, dtype="<U12")
    reason = np.full(count, "", dtype=object)
    action[missed] = INTERPOLATED
    action[shot < 0] = DROPPED
    reason[shot < 0] = UNKNOWN
    reason[missed] = [ANOTHER if found[int(position)] else NO_FACE for position in missed]
    return Track(frames, boxes, confidence, action, reason.astype(str), shot)


def _running_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mean of the rows around each; the window shrinks, centred, towards the ends.

    Not the median: a HOG detector's boxes come in steps of a tenth in place and a fifth in size, between which
    a median jumps. Outliers need no median: a box that overlaps its neighbours too little is a shot of its own.
    """
    half = width // 2
    if half == 0 or len(values) < 3:
        return values
    out = np.empty_like(values)
    for row in range(len(values)):
        reach = min(half, row, len(values) - 1 - row)
        out[row] = values[row - reach : row + reach + 1].mean(axis=0)
    return out


def sample_track(track: Track, frames: NDArray[np.integer], *, end: int) -> Track:
    """Boxes of a track at other frames of the same timeline, by absolute index.

    Args:
        track: Of the source video.
        frames: ``(M,)`` absolute indices of the frames wanted, such as a shorter forgery's.
        end: Number of frames of the source video; a later frame has no counterpart in it and is dropped.

    Returns:
        The same face at `frames`: a sampled frame's own box, and between two frames of one shot the interpolated box.
        A frame between two shots is dropped, since its content is not known. Less than a sampling step before the
        first sampled frame, or after the last one, that frame's box is used.
    """
    if not len(track.frames):
        return _nowhere(frames)
    right = np.clip(np.searchsorted(track.frames, frames), 0, len(track.frames) - 1)
    left = np.clip(np.searchsorted(track.frames, frames, side="right") - 1, 0, len(track.frames) - 1)
    span = np.maximum(track.frames[right] - track.frames[left], 1)
    share = np.clip((frames - track.frames[left]) / span, 0, 1)
    near = np.where(share <= 0.5, left, right)
    outside = np.abs(frames - np.clip(frames, track.frames[0], track.frames[-1]))
    step = max(int(np.median(np.diff(track.frames))), 1) if len(track.frames) > 1 else 1
    lost = (frames >= end) | (outside >= step) | (track.shot[left] != track.shot[right])

    def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(lost[:, None], np.nan, values[left] + share[:, None] * (values[right] - values[left]))

    action = track.action[near].copy()
    action[lost] = DROPPED
    reason = np.where(track.reason[left] == "", track.reason[right], track.reason[left]).astype(object)
    reason[(reason == "") & lost] = UNKNOWN
    reason[frames >= end] = f"past the end of its source's {end} frames"
    reason[action == SEEN] = ""
    confidence = np.where(action == SEEN, np.minimum(track.confidence[left], track.confidence[right]), 0.0)
    points = None if track.points is None else between(track.points)
    shot = np.where(lost, -1, track.shot[near])
    return Track(frames, between(track.boxes), confidence, action, reason.astype(str), shot, points)


def _nowhere(frames: NDArray[np.integer]) -> Track:
    count = len(frames)
    nothing = np.full(count, UNKNOWN)
    gone = np.full(count, DROPPED, dtype="<U12")
    return Track(frames, np.full((count, 4), np.nan), np.zeros(count), gone, nothing, np.full(count, -1))
