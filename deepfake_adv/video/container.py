"""Opens video files and selects the packets that decode to frames; turns FFmpeg's errors into clear messages."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from deepfake_adv.video.errors import VideoError

FORMATS: Final = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "asf", "flv", "ogg", "mxf", "gxf", "dv"),
    *("rm", "wtv", "nut", "nuv", "dhav", "mpeg", "mpegts", "mpegvideo", "m4v", "h264", "hevc", "vvc", "av1", "obu"),
    *("ivf", "vc1", "mjpeg", "yuv4mpegpipe", "gif", "apng", "png_pipe", "jpeg_pipe", "bmp_pipe", "webp_pipe"),
    *("tiff_pipe", "gif_pipe", "ppm_pipe", "pgm_pipe", "pbm_pipe", "pam_pipe", "jpegxl_pipe", "j2k_pipe"),
)
"""FFmpeg's names of the formats that are read. Each holds its frames itself. Playlists and scripts (HLS, DASH, concat,
SDP, numbered pictures) name other files and addresses, which FFmpeg would open: a downloaded file could so read files
of this machine, or reach the network."""

_OPTIONS: Final = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}

_ZEROS = 16  # bytes at the start of a packet
_NEVER_ZEROS = frozenset({"h264", "hevc", "mpeg4", "vp8", "vp9", "mjpeg"})  # uncompressed black is zeros, and fine
_SMALLEST_SIDE = 2  # pixels that share a chroma sample


def _unnamed(cls: type[Type], value: object) -> Type:
    """A kind of side data that FFmpeg knows and PyAV has no name for, such as 31, EXIF.

    When any side data of a frame is read, here the orientation, PyAV makes a `Type` of all of it. A frame with EXIF
    would then raise "31 is not a valid Type".
    """
    kind: Any = object.__new__(cls)
    kind._name_, kind._value_ = f"UNNAMED_{value}", value
    return cast(Type, kind)


Type._missing_ = classmethod(_unnamed)  # type: ignore[method-assign, assignment]


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets that decode to frames: from the first key frame on, none cut short by the file's end.

    Counting and decoding both go by these, so they agree. An empty packet at the end flushes the decoder.
    """
    started = False
    for packet in container.demux(stream):
        started = started or packet.is_keyframe
        if not packet.size or (started and not packet.is_corrupt):
            yield packet


def decoded(path: Path, packet: Any, done: int) -> list[Any]:
    """The frames that a packet decodes to, none while the decoder still waits for others.

    Args:
        path: The video, for the message.
        packet: One of `packets`.
        done: Frames decoded before it, for the message.

    Raises:
        VideoError: If it does not decode, or to frames less than 2 pixels high or wide.
    """
    try:
        pictures = packet.decode()
    except av.FFmpegError as error:
        raise VideoError(
            f"{path} must decode; it breaks near frame {done} ({error.strerror}). Copy the file again."
        ) from error
    for picture in pictures:
        if min(picture.width, picture.height) < _SMALLEST_SIDE:
            raise VideoError(
                f"{path} must be at least {_SMALLEST_SIDE} pixels high and wide; got {picture.height} x "
                f"{picture.width} (H x W). Leave it out."
            )
    return list(pictures)


def open_media(path: Path) -> Any:
    """PyAV's container of a file in one of `FORMATS`; nothing but this file is opened.

    Raises:
        av.FFmpegError: If it is in another format or cannot be read. It is an `av.ArgumentError` for another format.
    """
    # "file:" keeps FFmpeg from reading a protocol out of the name, as in "concat:a.mp4" and "http:a.mp4"
    return av.open(f"file:{path}", mode="r", metadata_errors="ignore", container_options=_OPTIONS)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a video file; gives PyAV's container and its first video stream, cover art aside, decoded in one thread.

    Raises:
        VideoError: If the file cannot be read, is in none of `FORMATS`, holds no video that FFmpeg can decode, or
            cannot be read to its end.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise VideoError(
            f"{path} must be readable; got: {error.strerror}. Check the path and its permissions."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(f"{path} must be a file or a folder of images; got something else. Leave it out.")
    if status.st_size == 0:
        raise VideoError(f"{path} must be a video; got an empty file. Copy the file again.")
    try:
        container = open_media(path)
    except av.ArgumentError as error:
        raise VideoError(
            f"{path} must hold its video itself, as MP4, MKV and AVI do; got a list of other files, or another format. "
            "Convert it to MP4, or leave it out."
        ) from error
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path} must be a video; it cannot be opened ({error.strerror}). It may be cut short: copy again."
        ) from error
    with container:
        stream = next((s for s in container.streams.video if not _is_cover(s)), None)
        if stream is None:
            raise VideoError(f"{path} must hold a video; got none, only other streams. Leave it out.")
        if stream.codec_context is None:
            raise VideoError(
                f"{path} must be coded in a way that FFmpeg reads; got an unknown codec. Convert the file."
            )
        stream.codec_context.thread_count = 1
        try:
            yield container, stream
        except av.FFmpegError as error:
            raise VideoError(f"{path} must be complete; reading failed ({error.strerror}). Copy it again.") from error


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & stream.disposition.__class__.attached_pic)


def is_zeroed(packet: Any, stream: Any) -> bool:
    """Whether a packet begins with zeros alone, which no encoder writes: an interrupted copy leaves them."""
    return packet.size >= _ZEROS and stream.codec_context.name in _NEVER_ZEROS and not any(bytes(packet)[:_ZEROS])


def promised_bytes(container: Any, stream: Any) -> int:
    """Length in bytes that an MP4 file needs to hold its last frame; 0 for formats without such a table."""
    entries = stream.index_entries
    if "mp4" not in container.format.name or not len(entries):
        return 0
    last = entries[len(entries) - 1]
    return int(last.pos + last.size)


def promised_seconds(container: Any) -> float:
    """Duration in a Matroska file's header, seconds; 0 without one, and for other formats.

    MP4 files are held to `promised_bytes`, and their edit lists make durations hard to compare.
    """
    if "matroska" not in container.format.name or container.duration is None:
        return 0.0
    return float(container.duration) / av.time_base


def seconds(stamps: list[int | None], time_base: Any, rate: float) -> NDArray[np.float64]:
    """Times of the frames in order of display, by their packets' stamps, or by the rate where a stamp is missing.

    Args:
        stamps: Presentation stamp of each packet, in ticks, in any order.
        time_base: Seconds per tick, None if unknown.
        rate: Frames per second.

    Returns:
        ``(n,)`` seconds since the first frame, increasing.
    """
    if not stamps or None in stamps or time_base is None:
        return np.arange(len(stamps)) / rate
    ticks = np.sort(np.array(stamps, dtype=np.int64))
    result: NDArray[np.float64] = (ticks - ticks[0]) * float(time_base)
    return result
