"""Reads few frames of a long video by seeking, if this is certain to give the same frames as decoding all.

A jump goes to a key frame at which the decoder needs no earlier data: an IDR picture of H.264 or H.265, or any
frame of a codec that codes each frame by itself. No frame that is shown later may be stored before it, nor one
that is shown earlier after it. Frames are identified by their time stamps, so a jump to another place is detected.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.video.container import decoded, opened, packets

LEAST: Final = 100
"""Frames that a jump must save: more than any gap between sampled frames of FaceForensics++."""

_H264_IDR: Final = frozenset({5})
_HEVC_IDR: Final = frozenset({19, 20})  # IDR_W_RADL, IDR_N_LP
_EACH_BY_ITSELF: Final = frozenset({"mjpeg"})

Ints = NDArray[np.int64]


class LostError(Exception):
    """The container or the decoder contradicts the time stamps; decode the video from its start."""


@dataclass(frozen=True, eq=False)
class Jumps:
    """The places in a video that a jump can reach.

    Attributes:
        stamps: ``(n,)`` time stamp of each frame in order of display, in ticks.
        keys: ``(k,)`` index of each frame that decoding may start from, increasing; includes the first frame.
    """

    stamps: Ints
    keys: Ints

    def before(self, index: int) -> int:
        """The last frame that decoding may start from to reach `index`."""
        return int(self.keys[np.searchsorted(self.keys, index, side="right") - 1])


def find_jumps(path: Path, wanted: Ints) -> Jumps | None:
    """Where to jump for some frames; None if decoding from the start is as fast, or a jump is not certain to work.

    Reads all packets and decodes none.

    Args:
        path: The video.
        wanted: ``(n,)`` frame indices, increasing.
    """
    if not len(wanted) or np.diff(wanted, prepend=0).max() < LEAST:
        return None
    stamps: list[int] = []
    resets: list[bool] = []
    with opened(path) as (container, stream):
        is_reset = _reset_rule(stream.codec_context)
        if is_reset is None:
            return None
        for packet in packets(container, stream):
            if packet.size:
                if packet.is_discard or packet.pts is None:
                    return None
                stamps.append(packet.pts)
                resets.append(packet.is_keyframe and is_reset(bytes(packet)))
    stored = np.array(stamps, np.int64)
    shown = np.sort(stored)
    if not len(shown) or np.any(np.diff(shown) == 0) or wanted[-1] >= len(shown):
        return None
    earliest_after = np.minimum.accumulate(stored[::-1])[::-1]
    latest_before = np.maximum.accumulate(np.concatenate([[stored[0] - 1], stored[:-1]]))
    clean = np.array(resets) & (earliest_after == stored) & (latest_before < stored)
    keys = np.searchsorted(shown, stored[clean])
    return Jumps(shown, keys) if len(keys) and keys[0] == 0 else None


def read_sparse(path: Path, wanted: Ints, jumps: Jumps) -> Iterator[tuple[int, Any]]:
    """Index and PyAV frame of every decoded frame, including the frames wanted.

    Args:
        path: The video.
        wanted: ``(n,)`` frame indices, increasing.
        jumps: Jumps for the video and these frames.

    Raises:
        LostError: Before yielding a frame whose index is not certain.
        VideoError: If the video does not decode.
    """
    with opened(path) as (container, stream):
        position, pictures = 0, _decode(path, container, stream, jumps)
        for index in wanted.tolist():
            key = jumps.before(index)
            if key - position >= LEAST:
                container.seek(int(jumps.stamps[key]), stream=stream)
                position, pictures = -1, _decode(path, container, stream, jumps)
            while position <= index:
                found, picture = next(pictures, (-1, None))
                landed = position < 0 and found <= index and found in jumps.keys
                if found < 0 or (found != position and not landed):
                    raise LostError
                yield found, picture
                position = found + 1


def _decode(path: Path, container: Any, stream: Any, jumps: Jumps) -> Iterator[tuple[int, Any]]:
    for packet in packets(container, stream):
        for picture in decoded(path, packet, 0):
            stamp = -1 if picture.pts is None else picture.pts
            index = min(int(np.searchsorted(jumps.stamps, stamp)), len(jumps.stamps) - 1)
            yield (index if picture.pts is not None and jumps.stamps[index] == stamp else -1), picture


def _reset_rule(codec: Any) -> Callable[[bytes], bool] | None:
    """Whether decoding can start at a key packet; None for codecs for which this is not known."""
    extra = codec.extradata or b""
    if codec.name in _EACH_BY_ITSELF:
        return lambda data: True
    if codec.name == "h264":
        size = (extra[4] & 3) + 1 if len(extra) > 6 and extra[0] == 1 else 0
        return lambda data: any(head & 31 in _H264_IDR for head in _unit_heads(data, size))
    if codec.name == "hevc":
        size = (extra[21] & 3) + 1 if len(extra) > 22 and extra[0] == 1 else 0
        return lambda data: any(head >> 1 & 63 in _HEVC_IDR for head in _unit_heads(data, size))
    return None


def _unit_heads(data: bytes, size: int) -> Iterator[int]:
    """First byte of each NAL unit; `size` bytes of length before each, 0 if start codes separate them."""
    place = 0
    if size:
        while place + size < len(data):
            yield data[place + size]
            place += size + int.from_bytes(data[place : place + size], "big")
        return
    while (place := data.find(b"\0\0\1", place)) >= 0 and place + 3 < len(data):
        yield data[place + 3]
        place += 3
