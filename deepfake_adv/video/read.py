"""Frames of a video at exact indices, and facts about it that headers often state wrongly.

A frame's index counts the decoder's output: frames outside an edit list (`is_discard`) do not
count, whatever number the header states. Index i of a forged video and of its target are the same
moment, so no frame is skipped, repeated or approximated: a frame that cannot be read is an error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.video import folder
from deepfake_adv.video.colour import Frame
from deepfake_adv.video.container import (
    decoded,
    is_zeroed,
    opened,
    packets,
    promised_bytes,
    promised_seconds,
    seconds,
)
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.picture import is_picture
from deepfake_adv.video.picture import read as read_picture
from deepfake_adv.video.seek import LostError, find_jumps, read_sparse

_MPEG_RANGE, _JPEG_RANGE = 1, 2  # AVCOL_RANGE_MPEG: limited, AVCOL_RANGE_JPEG: full
_WHOLE = 0.9  # share of the promised duration below which a file looks cut short


@dataclass(frozen=True)
class VideoFacts:
    """The result of `probe`.

    `width` and `height` are those of the frames that `read_frames` yields: after rotation, cut to even.
    `rotation` is in degrees counter-clockwise, 0, 90, 180 or 270; it does not include mirroring.
    `fps` is the mean frames per second of the video, also if the rate varies (`variable_rate`).
    `note` holds remarks for the user; it is usually empty.
    """

    frames: int
    fps: float
    width: int
    height: int
    pix_fmt: str
    rotation: int
    variable_rate: bool
    note: str


def probe(path: Path | str) -> VideoFacts:
    """Count a video's frames by its packets and decode the first one.

    Args:
        path: A video, a picture, or a folder of pictures used as a video.

    Raises:
        VideoError: If it cannot be read, is cut short or filled up with zeros, holds no picture, or none that decodes.
    """
    path = Path(path)
    if (images := _stills(path)) is not None:
        first = read_picture(images[0])
        height, width = first.shape[0] * 2 // 3, first.shape[1]
        return VideoFacts(len(images), 25.0, width, height, images[0].suffix[1:], 0, False, "")
    first_frame = zeroed = None
    stamps: list[int | None] = []
    with opened(path) as (container, stream):
        for packet in packets(container, stream):
            if zeroed is None and is_zeroed(packet, stream):
                zeroed = len(stamps)
            if packet.size and not packet.is_discard:
                stamps.append(packet.pts)
            if first_frame is None:
                first_frame = next(iter(decoded(path, packet, 0)), None)
        count, header, rate = len(stamps), stream.frames, stream.average_rate or stream.guessed_rate
        promised = promised_bytes(container, stream)
        times = seconds(stamps, stream.time_base, float(rate or 25))
        length = promised_seconds(container)
    if zeroed is not None:
        raise VideoError(f"{path} must be complete; it is filled up with zeros from frame {zeroed} on. Copy it again.")
    if first_frame is None:
        raise VideoError(f"{path} must hold a frame that decodes; got none. Copy the file again or leave it out.")
    if promised > path.stat().st_size:
        raise VideoError(f"{path} must be complete; it is cut short and has {count} of {header} frames. Copy it again.")
    planes, rotation = to_planes(first_frame), _rotation(first_frame)
    steps = np.diff(times)
    tick = float(stream.time_base or 0)
    variable = steps.size > 1 and bool(np.ptp(steps) > max(2.5 * tick, 0.2 * float(np.median(steps))))
    fps = float((len(times) - 1) / (times[-1] - times[0])) if variable else float(rate or 25)
    notes = [f"header says {header} frames"] if header and header != count else []
    notes += ["variable frame rate"] if variable else []
    end = float(stream.start_time or 0) * tick + times.max(initial=0) + 1 / fps
    if end < _WHOLE * length:
        notes.append(f"frames end at {end:.1f} s of the {length:.1f} s that the header states: it may be cut short")
    return VideoFacts(
        frames=count,
        fps=round(fps, 4),
        width=planes.shape[1],
        height=planes.shape[0] * 2 // 3,
        pix_fmt=first_frame.format.name,
        rotation=rotation,
        variable_rate=variable,
        note="; ".join(notes),
    )


def frame_times(path: Path | str) -> NDArray[np.float64]:
    """Time of every frame, by its packet's stamp; nothing is decoded.

    Returns:
        ``(n,)`` seconds since the first frame, increasing; n is `probe`'s count.

    Raises:
        VideoError: If the video cannot be read.
    """
    return times_and_codec(path)[0]


def times_and_codec(path: Path | str) -> tuple[NDArray[np.float64], str]:
    """`frame_times` and `codec_of` in one look at the file."""
    path = Path(path)
    if (images := _stills(path)) is not None:
        return np.arange(len(images)) / 25.0, _suffix(images[0])
    with opened(path) as (container, stream):
        stamps = [packet.pts for packet in packets(container, stream) if packet.size and not packet.is_discard]
        rate = stream.average_rate or stream.guessed_rate
        return seconds(stamps, stream.time_base, float(rate or 25)), str(stream.codec_context.name)


def codec_of(path: Path | str) -> str:
    """Name of a video's codec as FFmpeg has it, such as h264; of pictures their suffix, such as png.

    Raises:
        VideoError: If the video cannot be opened.
    """
    if (images := _stills(Path(path))) is not None:
        return _suffix(images[0])
    with opened(Path(path)) as (_, stream):
        return str(stream.codec_context.name)


def _suffix(image: Path) -> str:
    return image.suffix[1:].lower()


def read_frames(
    path: Path | str, indices: Sequence[int] | NDArray[np.integer] | None = None, *, masks: bool = False
) -> Iterator[Frame]:
    """Yield frames at exact indices, one at a time, in one single-threaded pass.

    If they are far apart, the frames between them are not decoded, provided that the result is certain to be the
    same (`seek`); damage in between is then not detected.

    Rotation and mirroring in the metadata are applied. An odd width or height loses its last
    column or row (of the stored picture, before rotation): 4:2:0 shares a chroma sample between two. Other
    pixel formats, full-range ones among them, come through swscale to limited-range 4:2:0. Gray counts as
    full range unless it is tagged as limited.

    Args:
        path: A video, a picture, or a folder of pictures that stand for a video.
        indices: Increasing frame indices from 0; None for every frame.
        masks: The frames are masks: the values of a gray video are luma as stored, not converted from
            0 to 255 to 16 to 235.

    Yields:
        ``(H * 3 // 2, W)`` uint8 I420 planes per index, in the decoder's own values.

    Raises:
        ValueError: If `indices` do not increase from 0.
        VideoError: If the video cannot be read, or ends before the last index.
    """
    wanted = None if indices is None else np.asarray(indices, dtype=np.int64)
    if wanted is not None and wanted.size and (wanted[0] < 0 or np.any(np.diff(wanted) <= 0)):
        raise ValueError(f"indices must increase from 0 or above; got {wanted[:8].tolist()}. Sort them, each once.")
    return _frames(Path(path), wanted, masks)


def _frames(path: Path, wanted: NDArray[np.int64] | None, masks: bool) -> Iterator[Frame]:
    remaining = None if wanted is None else iter(wanted.tolist())
    following = 0 if remaining is None else next(remaining, None)
    if following is None:
        return
    count, shape = 0, None
    for index, picture in _pictures(path, wanted):
        count = index + 1
        if index == following:
            planes = read_picture(picture) if isinstance(picture, Path) else to_planes(picture, masks)
            if shape not in (None, planes.shape) and not path.is_dir():
                raise VideoError(f"{path} must keep one size; got another from frame {index} on. Leave it out.")
            shape = planes.shape
            yield planes
            following = count if remaining is None else next(remaining, None)
            if following is None:
                return
    if remaining is not None:
        raise VideoError(
            f"{path} must have a frame {following}; it ends after {count} frames. Take the inventory again.",
            frames=count,
        )


def _stills(path: Path) -> list[Path] | None:
    """The pictures used as a video: those of a folder, or the file itself; None for a video."""
    if path.is_dir():
        return folder.images(path)
    return [path] if is_picture(path) else None


def _pictures(path: Path, wanted: NDArray[np.int64] | None) -> Iterator[tuple[int, Any]]:
    """Index and frame, in order, of all frames or of more than those wanted: PyAV's, or a picture's file to read."""
    if (images := _stills(path)) is not None:
        yield from enumerate(images)
        return
    first = 0
    jumps = None if wanted is None else find_jumps(path, wanted)
    if wanted is not None and jumps is not None:
        try:
            for index, picture in read_sparse(path, wanted, jumps):
                yield index, picture
                first = index + 1
            return
        except LostError:  # the frames so far are right; decode the rest from the start
            pass
    with opened(path) as (container, stream):
        done = 0
        for packet in packets(container, stream):
            pictures = decoded(path, packet, done)
            for index, picture in enumerate(pictures, start=done):
                if index >= first:
                    yield index, picture
            done += len(pictures)


def _rotation(picture: Any) -> int:
    """Rotation in the metadata, in degrees counter-clockwise: 0, 90, 180 or 270."""
    result: int = round(picture.rotation / 90) % 4 * 90
    return result


def to_planes(picture: Any, masks: bool = False) -> Frame:
    """I420 planes of PyAV's frame, upright; see `read_frames`."""
    gray, coded = picture.format.name == "gray", int(picture.color_range)
    if gray and (masks or coded == _MPEG_RANGE):  # swscale would treat the values as full range
        luma = picture.to_ndarray()[: picture.height // 2 * 2, : picture.width // 2 * 2]
        luma = _upright(luma, _display(picture))
        return np.concatenate([luma, np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)])
    display = _display(picture)
    if gray or coded == _JPEG_RANGE or picture.format.name.startswith("yuvj"):
        picture = picture.reformat(format="yuv420p", src_color_range="JPEG", dst_color_range="MPEG")
    elif picture.format.name != "yuv420p":
        picture = picture.reformat(format="yuv420p")
    if display is None and picture.width % 2 == 0 and picture.height % 2 == 0:
        result: Frame = picture.to_ndarray()
        return result
    width, height = picture.width // 2 * 2, picture.height // 2 * 2
    sizes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    turned = []
    for plane, (rows, columns) in zip(picture.planes, sizes, strict=True):
        whole = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
        turned.append(_upright(whole[:rows, :columns], display))
    return np.concatenate([plane.reshape(-1) for plane in turned]).reshape(-1, turned[0].shape[1])


def _display(picture: Any) -> tuple[int, int, int, int] | None:
    """a, b, c, d of the display matrix, which shows the pixel (x, y) at (a x + c y, b x + d y); None for none."""
    stored = picture.side_data.get("DISPLAYMATRIX")
    if stored is None:
        return None
    a, b, _, c, d = np.frombuffer(stored, dtype=np.int32)[:5].tolist()
    return a, b, c, d


def _upright(plane: Frame, display: tuple[int, int, int, int] | None) -> Frame:
    """A plane as displayed, to the nearest quarter turn, mirrored if the matrix mirrors."""
    if display is None:
        return plane
    a, b, c, d = display
    if abs(b) > abs(a):
        plane, a, d = plane.T, c, b
    return plane[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
