"""A file to look at: its sampled frames, read as a stream, and what is wrong with it."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.extraction.media import bits_per_pixel
from deepfake_adv.extraction.sampling import even_indices
from deepfake_adv.video.colour import Frame
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.folder import images
from deepfake_adv.video.picture import is_picture
from deepfake_adv.video.read import codec_of, probe, read_frames
from deepfake_adv.video.salvage import IntactFrames, count_intact

logger = logging.getLogger(__name__)

MAX_FRAMES: Final = 180_000
MAX_PIXELS: Final = 100_000_000


@dataclass(frozen=True)
class Limits:
    """The largest file that is looked at, as `inventory` has them.

    Attributes:
        frames: Of a video; an hour at 50 frames a second.
        pixels: Of a frame or picture.
    """

    frames: int = MAX_FRAMES
    pixels: int = MAX_PIXELS


@dataclass(frozen=True, eq=False)
class Medium:
    """A picture, a video or a folder of its frames.

    Attributes:
        path: Where it is.
        frames: How many frames there are; of a damaged video how many decode.
        indices: ``(n,)`` the sampled frames, increasing.
        damage: What is wrong with it; empty where it is whole.
        notes: What a user may want to know.
        codec: Its codec, or a picture's suffix; empty where it is not known.
        bits_per_pixel: Bits that it takes per pixel of its frames; 0 where it is not known.
    """

    path: Path
    frames: int
    indices: NDArray[np.int64]
    damage: str = ""
    notes: tuple[str, ...] = ()
    codec: str = ""
    bits_per_pixel: float = 0.0

    def read(self, wanted: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """Index and I420 planes of the sampled frames, or of some of them, one at a time, in order.

        Raises:
            VideoError: If a frame cannot be read.
        """
        indices = self.indices.tolist() if wanted is None else sorted(wanted)
        if self.damage and not self.path.is_dir():
            chosen = set(indices)
            for index, planes in enumerate(IntactFrames(self.path)):
                if index in chosen:
                    yield index, planes
            return
        yield from zip(indices, read_frames(self.path, indices), strict=True)


def open_medium(path: Path, count: int, *, one_video: bool, strict: bool, limits: Limits) -> Medium:
    """Look at a file before any face is searched.

    Args:
        path: The file, or with `one_video` a folder of a video's frames.
        count: Frames to sample of a video.
        one_video: Whether a folder stands for one video.
        strict: Refuse a damaged video; otherwise what decodes of it is taken.
        limits: What is larger is refused.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a folder that does not stand for a video, is too large, or nothing of it decodes.
    """
    if not path.exists():
        raise FileNotFoundError(f"input must be an image or video; found none at {path}. Check the path.")
    if path.is_dir() and not one_video:
        raise ValueError(
            f"input must be a file, or a folder that holds some to look at; got the folder {path}. Name its files, or "
            "say that it holds one video's frames."
        )
    try:
        facts = probe(path)
    except VideoError as error:
        if strict or path.is_dir() or is_picture(path):
            raise
        return damaged(path, count, error, limits)
    _check_size(path, facts.frames, facts.width * facts.height, limits)
    notes = tuple(facts.note.split("; ")) if facts.note else ()
    size = sum(image.stat().st_size for image in images(path)) if path.is_dir() else path.stat().st_size
    bits = bits_per_pixel(size, facts.frames, facts.width, facts.height)
    return Medium(path, facts.frames, even_indices(facts.frames, count), "", notes, codec_of(path), bits)


def damaged(path: Path, count: int, reason: VideoError, limits: Limits) -> Medium:
    """What still decodes of a video that cannot be read as a whole.

    Raises:
        VideoError: `reason`, if nothing does.
        ValueError: If it is too large.
    """
    if reason.frames:  # fewer frames decode than there are packets; these are read as of a whole video
        known = f"{reason.frames} frames decode, fewer than the file says"
        return Medium(path, reason.frames, even_indices(reason.frames, count), notes=(known,))
    frames, broken = count_intact(path, reason)
    first = next(iter(IntactFrames(path)))
    _check_size(path, frames, first.shape[0] * 2 // 3 * first.shape[1], limits)
    told = str(reason).removeprefix(f"{path} ")
    damage = f"{frames} frames decode, {broken} parts do not: it {told}"
    return Medium(path, frames, even_indices(frames, count), damage)


def _check_size(path: Path, frames: int, pixels: int, limits: Limits) -> None:
    if frames > limits.frames or pixels > limits.pixels:
        raise ValueError(
            f"{path} must have at most {limits.frames:,} frames of at most {limits.pixels:,} pixels; got {frames:,} of "
            f"{pixels:,}. Cut or shrink it, or raise inventory.max_frames and inventory.max_pixels in params.yaml."
        )
