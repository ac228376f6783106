"""A folder of images that stands for a video: crops or frames that somebody extracted already."""

import os
import re
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deepfake_adv.video.colour import Frame, rgb_to_i420
from deepfake_adv.video.errors import VideoError

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})


def images(path: Path) -> list[Path]:
    """The images of a folder in the order of their names, hidden files left out: index i is the i-th.

    Masks (``*_mask.png``) count only where there is nothing else, and of the images of the paper's release,
    which begin with the folder's own name (``<folder>_000012_0.png``), only those of the first face do.

    Raises:
        VideoError: If the folder cannot be listed or holds no image.
    """
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise VideoError(f"{path} must be readable; got: {error.strerror}. Check its permissions.") from error
    other_face = re.compile(rf"{re.escape(path.absolute().name)}_\d{{6}}_[1-9]\d*")  # <folder>_<frame>_<face>
    frames = [name for name in names if _is_image(name) and not other_face.fullmatch(os.path.splitext(name)[0])]
    found = [path / name for name in frames if not _is_mask(name)] or [path / name for name in frames]
    if not found:
        raise VideoError(f"{path} must hold images; got none of {', '.join(sorted(SUFFIXES))}. Leave the folder out.")
    return found


def read(path: Path) -> Frame:
    """Read one image as I420 planes ``(H * 3 // 2, W)``; an odd last row or column is dropped.

    The interface of frames is 4:2:0, so colour detail finer than two pixels is lost here.

    Raises:
        VideoError: If it is no image.
    """
    try:
        encoded = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise VideoError(f"{path} must be readable; got: {error.strerror}. Check its permissions.") from error
    try:
        bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    except cv2.error as error:
        raise VideoError(f"{path} must be an image of at most 2^30 pixels; got a larger one. Shrink it.") from error
    if bgr is None or min(bgr.shape[:2]) < 2:
        raise VideoError(f"{path} must be an image; it cannot be decoded. Copy the file anew or delete it.")
    height, width = bgr.shape[0] // 2 * 2, bgr.shape[1] // 2 * 2
    return rgb_to_i420(np.ascontiguousarray(bgr[:height, :width, ::-1]))


def _is_image(name: str) -> bool:
    hidden = name.startswith(".")  # such as the ._0001.png that macOS leaves beside files on foreign disks
    return os.path.splitext(name)[1].lower() in SUFFIXES and not hidden


def _is_mask(name: str) -> bool:
    return os.path.splitext(name)[0].endswith("_mask")
