"""Writes a video of one's own frames at another video's times, with its sound."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.files import atomic_write
from deepfake_adv.video.colour import Frame
from deepfake_adv.video.container import open_media

logger = logging.getLogger(__name__)

CARRIED: Final = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
"""Codecs of sound that MP4 holds as they are."""

_TICKS: Final = 90_000  # per second
_CRF: Final = 20


def write_with_sound(
    path: Path, frames: Iterable[Frame], times: NDArray[np.float64] | None, *, sound: Path | None, fps: float = 25.0
) -> str:
    """Write frames as H.264 in MP4.

    Args:
        path: The file; written atomically.
        frames: I420 ``(H * 3 // 2, W)`` uint8, of one even size.
        times: ``(n,)`` seconds of each frame, increasing; None: `fps` frames per second. A frame whose time does not
            increase is moved by the least amount that the file can say.
        sound: A video whose first sound track is copied, without being coded again; None for none.
        fps: Where `times` is None.

    Returns:
        Why there is no sound although `sound` has some; empty otherwise.

    Raises:
        ValueError: If there is no frame.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError(f"frames must hold at least one frame; got none for {path.name}. Check the source.")
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_write(path))
        out = stack.enter_context(av.open(str(temporary), "w", format="mp4"))
        stream = out.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width, stream.pix_fmt = first.shape[0] * 2 // 3, first.shape[1], "yuv420p"
        stream.options = {"crf": str(_CRF), "preset": "veryfast"}
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, _TICKS)
        packets, problem = _sound_of(stack, sound, out)
        waiting = next(packets, None)
        ticks = -1
        for number, frame in enumerate(_chain(first, frames)):
            seconds = number / fps if times is None else float(times[min(number, len(times) - 1)])
            ticks = max(round(seconds * _TICKS), ticks + 1)
            while waiting is not None and waiting[0] <= seconds:
                out.mux(waiting[1])
                waiting = next(packets, None)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="yuv420p")
            picture.pts, picture.time_base = ticks, Fraction(1, _TICKS)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        while waiting is not None:
            out.mux(waiting[1])
            waiting = next(packets, None)
    return problem


def _chain(first: Frame, others: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from others


def _sound_of(stack: ExitStack, path: Path | None, out: Any) -> tuple[Iterator[tuple[float, Any]], str]:
    """Packets of a video's sound with their time after its first frame, seconds; and why there are none."""
    if path is None:
        return iter(()), ""
    source = stack.enter_context(open_media(path))
    if not source.streams.audio:
        return iter(()), ""
    track = source.streams.audio[0]
    codec = track.codec_context.name if track.codec_context is not None else "unknown"
    if codec not in CARRIED:
        return iter(()), f"its sound ({codec}) does not fit into MP4"
    copy = out.add_stream_from_template(track)
    video = source.streams.video[0]
    start = float((video.start_time or 0) * (video.time_base or 0))
    tick = float(track.time_base or 0)
    shift = round(start / tick) if tick else 0

    def packets() -> Iterator[tuple[float, Any]]:
        for packet in source.demux(track):
            if packet.dts is None or packet.pts is None:
                continue
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = copy
            yield packet.pts * tick, packet

    return packets(), ""
