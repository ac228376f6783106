"""Templates of manipulated regions, for the template map of `ffd`."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROUNDS = 50  # of k-means; masks settle in far fewer


def read_templates(path: Path) -> Tensor:
    """Read templates as ``(T, h, w)`` float32 in [0, 1].

    Args:
        path: An .npz file with the array ``templates``, or a folder of .png pictures of one size.

    Raises:
        FileNotFoundError: If there is no such file, or no .png in the folder.
        ValueError: If the file holds no such array, or the pictures differ in size.
    """
    if path.is_dir():
        return torch.from_numpy(_read_pictures(path))
    if not path.is_file():
        raise FileNotFoundError(
            f"templates must be an .npz file or a folder of .png pictures; found nothing at {path}. "
            "Make them with write_templates(average_templates(masks, count=10))."
        )
    try:
        with np.load(path) as content:
            templates = np.asarray(content["templates"], dtype=np.float32)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"templates must be an .npz file with the array `templates`; got {path.name} ({error}). "
            "Write it with write_templates."
        ) from error
    if templates.ndim != 3 or not np.isfinite(templates).all() or templates.min() < 0 or templates.max() > 1:
        raise ValueError(
            f"templates must be (T, h, w) in [0, 1]; got shape {templates.shape} in {path.name}. "
            "Write it with write_templates."
        )
    return torch.from_numpy(templates)


def _read_pictures(folder: Path) -> NDArray[np.float32]:
    from PIL import Image

    files = sorted(folder.glob("*.png"))
    if not files:
        raise FileNotFoundError(
            f"templates must be a folder of .png pictures; found none in {folder}. Name another folder."
        )
    pictures = [np.asarray(Image.open(file).convert("L"), dtype=np.float32) / 255 for file in files]
    sizes = {picture.shape for picture in pictures}
    if len(sizes) > 1:
        raise ValueError(f"templates must be pictures of one size; got {sorted(sizes)} in {folder.name}. Resize them.")
    return np.stack(pictures)


def average_templates(masks: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Averages of ``count`` groups of forgery masks, grouped by likeness (k-means).

    Args:
        masks: ``(N, h, w)`` in [0, 1], of the map's size (19 x 19 for 299 px).
        count: Number of templates; the authors' is 10.
        rng: Draws the masks to start from.

    Returns:
        ``(count, h, w)`` float32 in [0, 1].

    Raises:
        ValueError: If there are fewer masks than ``count``.
    """
    if masks.ndim != 3 or len(masks) < count or count < 1:
        raise ValueError(
            f"masks must be (N, h, w) with N at least {count}; got {masks.shape}. Pass more masks, or lower `count`."
        )
    flat = masks.reshape(len(masks), -1).astype(np.float64)
    centres = flat[rng.choice(len(flat), count, replace=False)]
    for _ in range(ROUNDS):
        # |x - c|^2 without |x|^2, which is the same for all centres
        nearest = (np.square(centres).sum(1) - 2 * flat @ centres.T).argmin(1)
        moved = np.stack([flat[nearest == i].mean(0) if (nearest == i).any() else centres[i] for i in range(count)])
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres.reshape(count, *masks.shape[1:]).astype(np.float32)


def write_templates(path: Path, templates: NDArray[np.float32]) -> None:
    """Write what `read_templates` reads."""
    np.savez_compressed(path, templates=templates)
