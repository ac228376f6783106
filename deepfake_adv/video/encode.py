"""Deterministic video files from I420 frames: H.264 for the corpus, FFV1 for the frame store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from deepfake_adv.files import atomic_write

Frame = NDArray[np.uint8]

_SMALLEST_SIDE = 4  # FFV1 cuts a frame into 2 x 2 slices or more, each with complete chroma samples
_FEW_SLICES = 5120 * 2880  # pixels; FFV1 holds a slice's size to a quarter of this

# Full-range gray to the luma of limited-range video, where i420_to_rgb finds it again.
_LIMITED = np.round(16 + np.arange(256) * (219 / 255)).astype(np.uint8)


def write_h264(
    path: Path,
    frames: Iterable[Frame],
    *,
    crf: int,
    fps: float = 25.0,
    preset: str = "veryfast",
    gray: bool = False,
) -> int:
    """Encode frames with libx264, one thread, so that equal input gives equal bytes.

    crf 0 is lossless in the coded samples: decoding gives the same planes.

    Args:
        path: The file to write; written atomically.
        frames: I420 ``(H * 3 // 2, W)`` uint8 frames of one even size, or ``(H, W)`` planes with ``gray``.
        crf: libx264's constant rate factor, 0 (lossless) to 51.
        fps: Frames per second.
        preset: libx264 preset; it trades time for size.
        gray: The frames are single planes of 0 to 255 (masks), stored as gray video: 0 stays 0, 255 stays
            255, values in between differ by at most one level after decoding.

    Returns:
        The number of frames written.

    Raises:
        ValueError: If there is no frame, or one of odd or changing size, or a setting is out of range.
    """
    if not 0 <= crf <= 51:
        raise ValueError(f"crf must be between 0 and 51; got {crf}. Use 0 for lossless, 23 or 40 as in FF++.")
    # with AVX-512, x264's macroblock tree reads uninitialised memory, and equal input gave different bytes
    options = {"crf": str(crf), "preset": preset, "threads": "1", "x264-params": "mbtree=0"}
    planes = (_gray_as_i420(frame) for frame in frames) if gray else frames
    return _write(path, planes, "libx264", "mp4", fps, options)


def _gray_as_i420(plane: Frame) -> Frame:
    if plane.ndim != 2 or plane.dtype != np.uint8 or plane.shape[0] % 2 or plane.shape[1] % 2:
        raise ValueError(
            f"gray frames must be uint8 planes of even height and width; got {plane.dtype} {plane.shape}. "
            "Trim the last row or column first."
        )
    chroma = np.full((plane.shape[0] // 2, plane.shape[1]), 128, np.uint8)
    return np.concatenate([_LIMITED[plane], chroma])


def write_ffv1(path: Path, frames: Iterable[Frame], fps: float = 25.0) -> int:
    """Store frames losslessly, every frame on its own (intra only), for random access without loss.

    Args:
        path: The file to write (Matroska); written atomically.
        frames: I420 ``(H * 3 // 2, W)`` uint8 frames of one even size, 4 pixels or more on each side.
        fps: Frames per second.

    Returns:
        The number of frames written.

    Raises:
        ValueError: If there is no frame, or one of odd, changing or too small a size.
    """
    frames = iter(frames)
    first = next(frames, None)
    slices = 4
    if first is not None:
        height, width = _frame_size(first)
        if min(height, width) < _SMALLEST_SIDE:
            raise ValueError(
                f"frames must be at least {_SMALLEST_SIDE} pixels high and wide; got {height} x {width} (H x W) for "
                f"{path.name}. Leave the video out, or enlarge it."
            )
        while height * width > _FEW_SLICES * slices // 4:
            slices *= 4
        frames = chain([first], frames)
    options = {"level": "3", "slices": str(slices), "slicecrc": "0", "g": "1", "threads": "1", "context": "0"}
    return _write(path, frames, "ffv1", "matroska", fps, options)


def _write(
    path: Path,
    frames: Iterable[Frame],
    codec: str,
    container: str,
    fps: float,
    options: Mapping[str, str],
) -> int:
    if not fps > 0:
        raise ValueError(f"fps must be above 0; got {fps}. Give the clip's frame rate.")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError(f"frames must hold at least one frame; got none for {path.name}. Check the source.")
    height, width = _frame_size(first)
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    # bitexact keeps library versions and dates out of the file: the same frames give the same bytes.
    with (
        atomic_write(path) as temporary,
        av.open(str(temporary), "w", format=container, container_options={"fflags": "+bitexact"}) as out,
    ):
        stream = cast(VideoStream, out.add_stream(codec, rate=Fraction(fps).limit_denominator(1001)))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {**options, "flags": "+bitexact"}
        stream.codec_context.thread_count = 1
        for frame in chain([first], frames):
            if frame.shape != first.shape:
                raise ValueError(
                    f"frames must all have one size; got {frame.shape} after {first.shape} in {path.name}. "
                    "Resize or split the clip."
                )
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="yuv420p")
            picture.pts = count
            out.mux(stream.encode(picture))
            count += 1
        out.mux(stream.encode(None))
    return count


def _frame_size(frame: Frame) -> tuple[int, int]:
    if frame.ndim != 2 or frame.dtype != np.uint8 or frame.shape[0] % 3:
        raise ValueError(
            f"frames must be uint8 I420 planes (H * 3 / 2, W); got {frame.dtype} {frame.shape}. "
            "Convert them with deepfake_adv.video.colour.rgb_to_i420."
        )
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    if height % 2 or width % 2:
        raise ValueError(
            f"frames must have an even height and width; got {height} x {width} (H x W). "
            "Trim the last row or column first."
        )
    return height, width
