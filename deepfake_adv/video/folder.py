"""A folder of images used as a video: frames or crops that were extracted earlier."""

import os
import re
from pathlib import Path

from deepfake_adv.files import natural_key
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.picture import SUFFIXES


def images(path: Path) -> list[Path]:
    """The images of a folder, hidden files left out, numbers in their names by value: index i is the i-th.

    Masks (``*_mask.png``) are used only if there are no other images, and of the images of the paper's release,
    which begin with the folder's own name (``<folder>_000012_0.png``), only those of the first face do.

    Raises:
        VideoError: If the folder cannot be listed or holds no image.
    """
    try:
        names = sorted(os.listdir(path), key=natural_key)
    except OSError as error:
        raise VideoError(f"{path} must be readable; got: {error.strerror}. Check its permissions.") from error
    other_face = re.compile(rf"{re.escape(path.absolute().name)}_\d{{6}}_[1-9]\d*")  # <folder>_<frame>_<face>
    frames = [name for name in names if _is_image(name) and not other_face.fullmatch(os.path.splitext(name)[0])]
    found = [path / name for name in frames if not _is_mask(name)] or [path / name for name in frames]
    if not found:
        raise VideoError(f"{path} must hold images; got none of {', '.join(sorted(SUFFIXES))}. Leave the folder out.")
    return found


def _is_image(name: str) -> bool:
    hidden = name.startswith(".")  # such as the ._0001.png that macOS leaves beside files on foreign disks
    return os.path.splitext(name)[1].lower() in SUFFIXES and not hidden


def _is_mask(name: str) -> bool:
    return os.path.splitext(name)[0].endswith("_mask")
