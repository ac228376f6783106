"""Which frames of a video are taken: the paper's rule, equidistant in a centred window."""

import zlib

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def even_indices(frames: int, count: int) -> Indices:
    """Equidistant frames in a window centred in the video, as the paper's own test lists have them.

    The stride is the largest with which ``count`` frames fit, floor((frames - 1) / (count - 1)); of what they leave,
    half lies before the first, rounded down. That matches 694 of the release's 700 lists of 100 frames. A single
    frame is the middle one.

    Args:
        frames: Frames in the video.
        count: Frames asked for; a shorter video gives all it has.

    Returns:
        ``(min(frames, count),)`` increasing indices.

    Raises:
        ValueError: If `frames` is negative or `count` below 1.
    """
    _check(frames, count)
    if frames <= count:
        return np.arange(frames)
    stride = (frames - 1) // max(count - 1, 1)
    start = (frames - 1 - (count - 1) * stride) // 2
    return start + stride * np.arange(count)


def random_indices(frames: int, count: int, name: str) -> Indices:
    """Frames drawn without repetition, as the paper draws 10 of each DFD video.

    The draw is decided by the video's name alone, so all qualities of a video give the same frames.

    Args:
        frames: Frames in the video.
        count: Frames asked for; a shorter video gives all it has.
        name: Name of the video.

    Returns:
        ``(min(frames, count),)`` increasing indices.

    Raises:
        ValueError: If `frames` is negative or `count` below 1.
    """
    _check(frames, count)
    if frames <= count:
        return np.arange(frames)
    generator = np.random.default_rng([zlib.crc32(name.encode()), frames])
    return np.sort(generator.choice(frames, count, replace=False))


def _check(frames: int, count: int) -> None:
    if frames < 0 or count < 1:
        raise ValueError(
            f"frames must be 0 or more and count 1 or more; got {frames} and {count}. Mend datasets.<name>.frames."
        )
