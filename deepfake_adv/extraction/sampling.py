"""Which frames of a video are sampled: equidistant in a centred window, as in the paper, or at random."""

import zlib

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def even_indices(frames: int, count: int) -> Indices:
    """Equidistant frames in a window centred in the video, as in the paper's own test lists.

    The stride is the largest with which ``count`` frames fit, floor((frames - 1) / (count - 1)); half of the remaining
    frames, rounded down, come before the first. This gives 694 of the release's 700 lists of 100 frames, which
    ``numpy.linspace`` does not. A single frame is the middle one.

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
    """Frames drawn without replacement, as the paper draws 10 of each DFD video.

    The video's name is the seed, so all qualities of a video give the same frames.

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
    rng = np.random.default_rng([zlib.crc32(name.encode()), frames])
    return np.sort(rng.choice(frames, count, replace=False))


def _check(frames: int, count: int) -> None:
    if frames < 0 or count < 1:
        raise ValueError(
            f"frames must be 0 or more and count 1 or more; got {frames} and {count}. Correct datasets.<name>.frames."
        )
