"""Reads one image file, complete and upright; the only image reader of the project.

Pillow decodes. It raises on a truncated file, but not on one that was truncated and filled with zeros, as by an
interrupted copy: those zeros decode to gray or black. `_is_whole` detects them for each format.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from deepfake_adv.video.colour import Frame, rgb_to_i420
from deepfake_adv.video.errors import VideoError

SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".avif"}
)

FORMATS: Final = ("PNG", "JPEG", "BMP", "DIB", "WEBP", "TIFF", "AVIF", "GIF", "JPEG2000", "PPM")
"""Pillow's names of the formats that are read, whatever a file's suffix says. Others start programs (EPS is drawn by
Ghostscript), or are drawings."""

_ORIENTATION: Final = 274  # EXIF tag
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DEEP: Final = frozenset({"I", "F"})
_ZEROS: Final = 16  # bytes of zeros at the end that need a closer check
_AVIF_ZEROS: Final = 64  # more than Pillow's encoder leaves at the end of any picture tried, flat ones too: 8
_SEEN: Final = 4  # levels different from that of zeros that count as a picture
_MOST: Final = 0.7  # share of a row; of 600 cuts of ten photographs none is missed, with 16 and 0.9 it were 68


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is one picture, not a video."""
    return path.suffix.lower() in SUFFIXES


def read(path: Path) -> Frame:
    """Read a picture as I420 planes ``(H * 3 // 2, W)``; an odd last row or column is dropped.

    The interface of frames is 4:2:0, so colour detail finer than two pixels is lost here.

    Raises:
        VideoError: As `read_rgb` does, and if it is less than 2 pixels high or wide.
    """
    rgb = read_rgb(path)
    height, width = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    if not height or not width:
        raise VideoError(f"{path} must be an image of at least 2 x 2 pixels; got {rgb.shape[0]} x {rgb.shape[1]}.")
    return rgb_to_i420(np.ascontiguousarray(rgb[:height, :width]))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a picture as ``(H, W, 3)`` uint8 RGB, turned and mirrored according to its orientation.

    Of 16 bits the upper 8 are taken; alpha is dropped. Metadata that cannot be read are ignored.

    Raises:
        VideoError: If it cannot be read, is no picture, is cut short or filled up with zeros, is animated, has more
            than 16 bits a channel or more pixels than Pillow's limit.
    """
    try:
        encoded = Path(path).read_bytes()
    except OSError as error:
        raise VideoError(f"{path} must be readable; got: {error.strerror}. Check its permissions.") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metadata; what is lost of the picture is an error below
        try:
            return _decoded(path, encoded)
        except Image.DecompressionBombError as error:
            raise VideoError(
                f"{path} must be an image of at most {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; got a larger one. "
                "Shrink it."
            ) from error
        except UnidentifiedImageError as error:
            raise VideoError(
                f"{path} must be an image; it cannot be decoded. Copy the file again or delete it."
            ) from error
        except (OSError, SyntaxError, ValueError, struct.error, RuntimeError, EOFError) as error:
            if isinstance(error, VideoError):
                raise
            raise VideoError(
                f"{path} must be an image; it cannot be decoded ({error}). Copy the file again or delete it."
            ) from error


def _decoded(path: Path, encoded: bytes) -> NDArray[np.uint8]:
    Image.init()
    with Image.open(io.BytesIO(encoded), formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":  # its other pictures are views of the first
            raise VideoError(
                f"{path} must be one picture; got {frames} in one file. Convert it to a video, or keep the first."
            )
        layout = list(image.tile)
        image.load()
        pixels = _rgb(path, image)
        if not _is_whole(encoded, str(image.format), layout, pixels):
            raise VideoError(
                f"{path} must be a complete image; it was cut off and filled up with zeros. Copy the file again or "
                "delete it."
            )
        turn = _UPRIGHT.get(_orientation(image))
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def _rgb(path: Path, image: Any) -> NDArray[np.uint8]:
    if image.mode in _DEEP:
        raise VideoError(f"{path} must have 8 or 16 bits a channel; got mode {image.mode}. Convert it.")
    if image.mode.startswith("I;16"):
        gray = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    return np.asarray(image.convert("RGB"))


def _orientation(image: Any) -> int:
    """EXIF's number, 1 to 8; 1 if it is missing or cannot be read. Pillow turns TIFF on loading."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # Pillow raises various errors; damaged metadata must not cost the picture
        return 1


def _is_whole(encoded: bytes, kind: str, layout: list[Any], pixels: NDArray[np.uint8]) -> bool:
    """Whether the picture's data are complete; `pixels` are as stored, not yet upright."""
    if kind in ("JPEG", "MPO"):
        return _has_end_of_image(encoded)
    if kind == "PNG":
        with Image.open(io.BytesIO(encoded)) as image:
            image.verify()  # the checksum of every chunk, which decoding ignores at the end
        return True
    zeros = len(encoded) - len(encoded.rstrip(b"\0"))
    if kind == "WEBP":
        return not _webp_reads_shorter(encoded)
    if kind == "AVIF":
        return zeros < _AVIF_ZEROS
    if zeros >= _ZEROS and layout and all(tile[0] == "raw" for tile in layout):
        upward = isinstance(layout[0][3], tuple) and len(layout[0][3]) > 2 and layout[0][3][2] == -1
        return not _ends_within_a_row(pixels[::-1] if upward else pixels)
    return True


def _has_end_of_image(encoded: bytes) -> bool:
    """Whether a JPEG's marker EOI follows its last scan; behind it may be anything."""
    position = 2
    while 0 <= (position := encoded.find(b"\xff", position)) < len(encoded) - 1:
        marker = encoded[position + 1]
        if marker == 0xD9:  # EOI
            return True
        if marker == 0xFF:  # padding
            position += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # a byte of the scan, or a marker without a segment
            position += 2
        else:
            position += 2 + int.from_bytes(encoded[position + 2 : position + 4], "big")
    return False


def _webp_reads_shorter(encoded: bytes) -> bool:
    """Whether a WebP whose data end in zeros decodes without the last of them: an encoder writes no unused bytes."""
    data = next((data for name, data in _chunks(encoded) if name in (b"VP8 ", b"VP8L")), None)
    if data is None or data[-_ZEROS:].strip(b"\0") or len(data) <= 2 * _ZEROS:
        return False
    name = b"VP8L" if data[:1] == b"\x2f" else b"VP8 "
    cut = data[:-_ZEROS]
    body = b"WEBP" + name + struct.pack("<I", len(cut)) + cut + b"\0" * (len(cut) % 2)
    try:
        with Image.open(io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body)) as image:
            image.load()
    except (OSError, ValueError):
        return False
    return True


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    while position + 8 <= len(encoded):
        size = int.from_bytes(encoded[position + 4 : position + 8], "little")
        yield encoded[position : position + 4], encoded[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def _ends_within_a_row(pixels: NDArray[np.uint8]) -> bool:
    """Whether an uncompressed picture changes, within a row, from content to its last value alone.

    Black borders begin with a row, and objects in front of black have an outline; a cut-off file has neither. A cut
    between two rows, or in a dark part, cannot be detected.

    Args:
        pixels: ``(H, W, 3)`` in the order of the file.
    """
    away = np.abs(pixels.astype(np.int16) - pixels[-1, -1]).max(axis=2)
    held = np.flatnonzero(away)
    row, column = divmod(int(held[-1]) + 1, pixels.shape[1]) if held.size else (0, 0)
    if column == 0 or row == 0 or row + 1 >= pixels.shape[0]:
        return False
    around = np.concatenate([away[row, :column], away[row - 1, column:]])
    return bool((away[row - 1, column:] >= _SEEN).mean() >= _MOST and (around >= _SEEN).mean() >= _MOST)
