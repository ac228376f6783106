"""A person's scores over the file's time, as numbers that a page draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.picture import is_picture
from deepfake_adv.video.read import frame_times

WIDTH: Final = 1000.0
HEIGHT: Final = 100.0


@dataclass(frozen=True)
class Mark:
    """One frame on the timeline.

    Attributes:
        x: 0 (the file's start) to `WIDTH` (its end).
        y: 0 (score 1) to `HEIGHT` (score 0).
        detected: Whether the face was found here, and not between two frames in which it was.
        label: Its time, frame and score.
    """

    x: float
    y: float
    detected: bool
    label: str


@dataclass(frozen=True)
class Clock:
    """When each frame of a file is shown.

    Attributes:
        times: ``(n,)`` seconds since the first frame; None where they are unknown, as of a damaged video or of a
            folder of frames: then frames are counted.
        last: Index of the last frame that counts.
    """

    times: NDArray[np.float64] | None
    last: int

    def position(self, frame: int) -> float:
        """Where a frame lies between the file's start, 0, and its end, 1."""
        if self.times is None:
            return frame / max(self.last, 1)
        return float(self.times[frame] / max(self.times[-1], 1e-9))

    def label(self, frame: int) -> str:
        """A frame's time as minutes and seconds, or its number."""
        if self.times is None:
            return f"frame {frame}"
        return minutes(float(self.times[frame]))


def minutes(seconds: float) -> str:
    """1:02.3 for 62.34 s."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def read_clock(path: Path, row: Mapping[str, Any]) -> Clock:
    """The times of a scored file's frames, by its packets; nothing is decoded.

    Args:
        path: Where the file is.
        row: Of `predict_all`.
    """
    frames = [one["frame"] for person in row["people"] for one in person["frames"]]
    last = max([*frames, *row["frames"]["missed"]], default=0)
    if path.is_dir() or is_picture(path) or row.get("damage"):
        return Clock(None, last)
    try:
        times = frame_times(path)
    except (VideoError, OSError):
        return Clock(None, last)
    return Clock(times, last) if len(times) > last else Clock(None, last)


def marks_of(frames: Sequence[Mapping[str, Any]], clock: Clock) -> list[Mark]:
    """A person's frames on the timeline.

    Args:
        frames: With `frame`, `score` and `detected`, in order.
        clock: Of the file.
    """
    return [
        Mark(
            round(WIDTH * clock.position(one["frame"]), 1),
            round(HEIGHT * (1 - one["score"]), 1),
            one["detected"],
            f"{clock.label(one['frame'])}: {one['score']:.3f}" + ("" if one["detected"] else ", between two finds"),
        )
        for one in frames
    ]


def line_of(marks: Sequence[Mark]) -> str:
    """The line through the marks, as an SVG path."""
    return "M" + " L".join(f"{mark.x:g} {mark.y:g}" for mark in marks) if marks else ""
