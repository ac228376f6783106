"""Originals: where a clip with landmarks comes from, rendered here or taken from the user's folder."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.take import ALONE, Place, film
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264
from deepfake_adv.video.read import read_frames

Frame = NDArray[np.uint8]

# libx264's rate factors that a video site stores uploads with; the weaker ones of 14 and more leave a sharpness that
# real clips do not have (docs/calibration.md).
_UPLOADS = range(22, 30)


@dataclass(frozen=True)
class Footage:
    """An original clip: I420 frames, landmarks ``(N, 68, 2)`` in pixels, frames per second."""

    frames: list[Frame]
    points: NDArray[np.float32]
    fps: float


class Source(Protocol):
    """Something that makes footage; it can be pickled, so that a worker process can make it."""

    def load(self) -> Footage:
        """Make or read the footage; the same every time."""
        ...

    def describe(self) -> dict[str, Any]:
        """Its description in corpus.json."""
        ...


@dataclass(frozen=True)
class Staging:
    """What a frame shows.

    Attributes:
        width: Of the frame over its height, at least 1.
        place: Position of the person that the landmarks belong to.
        beside: Identity and place of the other people in view.
    """

    width: float = 1.0
    place: Place = ALONE
    beside: tuple[tuple[int, Place], ...] = ()


@dataclass(frozen=True)
class Rendered:
    """A procedural identity, in the take of a number; `size` is a frame's height, and its width but for a staging's."""

    seed: int
    identity: int
    frames: int
    size: int
    fps: float
    number: int = 0
    staging: Staging = Staging()

    def length(self) -> int:
        """Frames of this clip: between three quarters and all of ``frames``, as real clips differ too."""
        return int(self._rng(3).integers(-(-3 * self.frames // 4), self.frames + 1))

    def load(self) -> Footage:
        """Render the take and pass it once through a video site's lossy encoder.

        Without that, sensor noise that was never encoded would give raw originals away.
        """
        side, staging = 2 * round(self.size * self.staging.width / 2), self.staging
        taken = film(
            self.seed, self.identity, frames=self.length(), size=side, fps=self.fps, number=self.number,
            place=staging.place, beside=staging.beside,
        )  # fmt: skip
        top = (side - self.size) // 2  # people stand in the middle of a square, from which a wide frame is cut
        clip = [(picture[top : top + self.size], points - np.array([0, top], np.float32)) for picture, points in taken]
        crf = int(self._rng(4).integers(_UPLOADS.start, _UPLOADS.stop))
        frames = upload([rgb_to_i420(np.ascontiguousarray(picture)) for picture, _ in clip], crf=crf, fps=self.fps)
        return Footage(frames, np.stack([points for _, points in clip]), self.fps)

    def describe(self) -> dict[str, Any]:
        """Identity numbers, of others in view too, and size."""
        described = {"identity": self.identity, "frames": self.length(), "size": self.size, "fps": self.fps}
        return described | ({"beside": [who for who, _ in self.staging.beside]} if self.staging.beside else {})

    def _rng(self, part: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.identity, part, *[self.number] * (self.number > 0)])


@dataclass(frozen=True)
class Prepared:
    """One of the user's clips, already read and with its face located: see ``clips.prepare``."""

    stored: Path
    file: str

    def load(self) -> Footage:
        """Read the prepared arrays."""
        with np.load(self.stored) as arrays:
            return Footage(list(arrays["frames"]), arrays["points"], float(arrays["fps"]))

    def describe(self) -> dict[str, Any]:
        """The file's name, and which frames were used."""
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
    """Encode lossily and decode again, as a video site does with an upload."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.mp4"
        write_h264(path, frames, crf=crf, fps=fps)
        return list(read_frames(path))
