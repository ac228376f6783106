"""Originals: where a clip with landmarks comes from, rendered here or taken from the user's folder."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.take import film
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.read import read_frames

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Footage:
    """An original clip: I420 frames, landmarks ``(N, 68, 2)`` in pixels, frames per second."""

    frames: list[Frame]
    points: NDArray[np.float32]
    fps: float


class Source(Protocol):
    """Something that yields footage, picklable so that a worker process can do it."""

    def load(self) -> Footage:
        """Make or read the footage; the same every time."""
        ...

    def describe(self) -> dict[str, Any]:
        """What corpus.json says of it."""
        ...


@dataclass(frozen=True)
class Rendered:
    """A procedural identity."""

    seed: int
    identity: int
    frames: int
    size: int
    fps: float

    def length(self) -> int:
        """Frames of this clip: between three quarters and all of ``frames``, as real clips differ too."""
        rng = np.random.default_rng([self.seed, self.identity, 3])
        return int(rng.integers(-(-3 * self.frames // 4), self.frames + 1))

    def load(self) -> Footage:
        """Render the take and pass it once through a video site's lossy encoder.

        Without that, raw originals would be recognisable by sensor noise that no encoder ever touched.
        """
        taken = list(film(self.seed, self.identity, frames=self.length(), size=self.size, fps=self.fps))
        crf = int(np.random.default_rng([self.seed, self.identity, 4]).integers(14, 25))
        frames = upload([rgb_to_i420(picture) for picture, _ in taken], crf=crf, fps=self.fps)
        return Footage(frames, np.stack([points for _, points in taken]), self.fps)

    def describe(self) -> dict[str, Any]:
        """Identity number and size."""
        return {"identity": self.identity, "frames": self.length(), "size": self.size, "fps": self.fps}


@dataclass(frozen=True)
class Prepared:
    """A clip of the user's, already read and located: see ``clips.prepare``."""

    stored: Path
    file: str

    def load(self) -> Footage:
        """Read the prepared arrays."""
        with np.load(self.stored) as arrays:
            return Footage(list(arrays["frames"]), arrays["points"], float(arrays["fps"]))

    def describe(self) -> dict[str, Any]:
        """The file's name, and what was taken of it."""
        with np.load(self.stored) as arrays:
            rows, width = arrays["frames"].shape[1:]
            return {
                "file": self.file,
                "frames": len(arrays["points"]),
                "width": int(width),
                "height": int(rows * 2 // 3),
                "fps": float(arrays["fps"]),
            }


def upload(frames: Sequence[Frame], *, crf: int, fps: float) -> list[Frame]:
    """Encode lossily and decode again, as a video site does with what it is sent."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.mp4"
        write_h264(path, frames, crf=crf, fps=fps)
        return list(read_frames(path))
