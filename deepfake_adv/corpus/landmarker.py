"""68 landmarks on the user's own videos: found by `faces` with dlib, tracked and smoothed over time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.forge.geometry import smooth_over_time
from deepfake_adv.faces.base import Landmarker, Locator
from deepfake_adv.faces.landmarks import build_landmarker
from deepfake_adv.faces.registry import build_locator
from deepfake_adv.video.shots import find_cuts, thumbnail

_SHARE_SEEN = 0.8
_LONGEST_GAP = 8  # frames without the face that are filled in; as locate.max_gap in params.yaml
_SMALLEST_FACE = 56.0  # pixels, ear to ear
_SMOOTHING = 0.8  # frames


@cache
def _models() -> tuple[Locator, Locator, Landmarker]:
    """Two locators, for faces of 80 and of 40 pixels, and the landmark model; one copy for all clips of a process."""
    landmarker = build_landmarker("dlib")
    assert landmarker is not None
    return build_locator("dlib", upsample=0), build_locator("dlib", upsample=1), landmarker


class SmallFaceError(ValueError):
    """A face is too small to be forged.

    Attributes:
        share: Its width divided by the smallest width accepted.
    """

    def __init__(self, width: float) -> None:
        super().__init__(f"the face is {width:.0f} pixels wide; at least {_SMALLEST_FACE:.0f} are needed")
        self.share = width / _SMALLEST_FACE


def track_landmarks(frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Landmarks of the main face in every frame.

    The largest face of the first frames is followed; a few frames without it are filled in between their
    neighbours; the landmarks are smoothed over time, since the predictor's points jitter by about a pixel. A
    cut is detected from the picture, since another face may follow at the same place.

    Args:
        frames: RGB frames ``(H, W, 3)`` uint8.

    Returns:
        ``(N, 68, 2)`` pixels.

    Raises:
        ValueError: If there is a cut, no face, a face in too few frames, too long a gap without it, or a jump.
        SmallFaceError: If the face is too small.
    """
    if cuts := find_cuts(map(thumbnail, frames)):
        raise ValueError(f"the picture changes at frame {cuts[0]}: the clip must show one person without a cut")
    found = [_locate(frame) for frame in frames]
    count = sum(bool(faces) for faces in found)
    if count < _SHARE_SEEN * len(frames):
        what = "no face was found" if not count else f"a face was found in {count} of {len(frames)} frames only"
        raise ValueError(f"{what}; {_SHARE_SEEN:.0%} of the frames must show one")
    track = np.full((len(frames), 68, 2), np.nan)
    last: NDArray[np.float64] | None = None
    for index, faces in enumerate(found):
        if not faces:
            continue
        if last is None:
            chosen = max(faces, key=lambda points: float(np.ptp(points[:, 0])))
        else:
            centre = last.mean(0)
            chosen = min(faces, key=lambda points: float(np.linalg.norm(points.mean(0) - centre)))
            if np.linalg.norm(chosen.mean(0) - centre) > np.ptp(last[:, 0]):
                raise ValueError(f"the face jumps at frame {index}: the clip must show one person without a cut")
        track[index] = last = chosen
    seen = np.flatnonzero(~np.isnan(track[:, 0, 0]))
    gaps = np.diff(seen, prepend=-1, append=len(frames)) - 1
    if (longest := int(gaps.max())) > _LONGEST_GAP:
        start = int(seen[gaps.argmax() - 1]) + 1 if gaps.argmax() else 0
        raise ValueError(f"frames {start} to {start + longest - 1} show no face; at most {_LONGEST_GAP} in a row may")
    if (width := float(np.nanmedian(np.ptp(track[..., 0], axis=1)))) < _SMALLEST_FACE:
        raise SmallFaceError(width)
    return smooth_over_time(_fill(track), _SMOOTHING).astype(np.float32)


def _locate(frame: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    large, small, landmarks = _models()
    boxes = large(frame) or small(frame)
    return [landmarks(frame, box).astype(np.float64) for box in boxes]


def _fill(track: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = np.flatnonzero(~np.isnan(track[:, 0, 0]))
    flat = track.reshape(len(track), -1)
    moments = np.arange(len(track))
    filled = [np.interp(moments, seen, column[seen]) for column in flat.T]
    return np.stack(filled, axis=1).reshape(track.shape)
