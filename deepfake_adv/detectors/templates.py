"""Templates of manipulated regions, for the template map of `ffd`."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_adv.files import natural_key
from deepfake_adv.video.picture import read_rgb

EXPECTED = "an .npz file with the array `templates`, (T, h, w) in [0, 1]"


def read_templates(path: Path) -> Tensor:
    """Read templates as ``(T, h, w)`` float32 in [0, 1].

    Args:
        path: An .npz file with the array ``templates``, or a folder of .png pictures of one size.

    Raises:
        FileNotFoundError: If there is no such file, or no .png in the folder.
        ValueError: If the file holds no such array, a picture cannot be read, or the pictures differ in size.
    """
    if path.is_dir():
        return torch.from_numpy(_read_pictures(path))
    if not path.is_file():
        raise FileNotFoundError(
            f"templates must be {EXPECTED}, or a folder of .png pictures of one size; "
            f"found nothing at {path}. Check the path."
        )
    try:
        with np.load(path) as content:
            templates = np.asarray(content["templates"], dtype=np.float32)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"templates must be {EXPECTED}; got {path.name} ({error}). Write it with numpy.savez."
        ) from error
    if templates.ndim != 3 or not np.isfinite(templates).all() or templates.min() < 0 or templates.max() > 1:
        raise ValueError(
            f"templates must be {EXPECTED}; got shape {templates.shape}, or values out of range, in {path.name}. "
            "Write it again with numpy.savez."
        )
    return torch.from_numpy(templates)


def _read_pictures(folder: Path) -> NDArray[np.float32]:
    files = sorted(folder.glob("*.png"), key=natural_key)
    if not files:
        raise FileNotFoundError(
            f"templates must be a folder of .png pictures; found none in {folder}. Name another folder."
        )
    pictures = [cv2.cvtColor(read_rgb(file), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255 for file in files]
    sizes = {picture.shape for picture in pictures}
    if len(sizes) > 1:
        raise ValueError(f"templates must be pictures of one size; got {sorted(sizes)} in {folder.name}. Resize them.")
    return np.stack(pictures)
