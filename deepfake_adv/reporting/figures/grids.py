"""Pictures in rows and columns: adversarial examples, kernel sizes, learned maps, the corpus."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.image import imread
from numpy.typing import NDArray

from deepfake_adv.files import read_json
from deepfake_adv.reporting.figures.style import panels, save, styled

Picture = NDArray[Any]
_CHARACTERS: Final = 13  # of a title that fit an inch


def draw_grid(
    pictures: Sequence[Sequence[Picture]],
    rows: Sequence[str],
    columns: Sequence[str],
    folder: Path,
    name: str,
    *,
    dpi: int,
    size: float = 1.05,
) -> bool:
    """Draw pictures as they are, pixel by pixel.

    Args:
        pictures: Rows of ``(H, W, 3)`` or ``(H, W)`` arrays, uint8 or floats in [0, 1].
        rows: Title of each row.
        columns: Title of each column.
        folder: Where the files go.
        name: Of the files.
        dpi: Of the PNG.
        size: Of a picture, inches.
    """
    if not pictures or not pictures[0]:
        return False
    units = [[_unit(picture) for picture in line] for line in pictures]
    sheet, places = _sheet(units)
    across, down = len(units[0]), len(units)
    with styled():
        beside = max(map(len, rows)) / _CHARACTERS + 0.2
        figure, (axis,) = panels(1, 1, width=size * across + beside, height=size * down + 0.25)
        axis.imshow(sheet, interpolation="nearest")
        centres = [(y + picture.shape[0] / 2, x + picture.shape[1] / 2) for (y, x), picture in places]
        fitting = int(_CHARACTERS * size)
        axis.set_xticks([x for _, x in centres[:across]], [textwrap.fill(column, fitting) for column in columns])
        axis.set_yticks([y for y, _ in centres[::across]], rows)
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        save(figure, folder, name, _means(units, rows, columns), dpi=dpi)
    return True


def _means(units: Sequence[Sequence[Picture]], rows: Sequence[str], columns: Sequence[str]) -> list[list[Any]]:
    """The figure's data: each picture's mean, and its mean difference from the one in the first row."""
    table: list[list[Any]] = [["row", "column", "mean", "mean difference from the first row"]]
    for row, line in zip(rows, units, strict=True):
        for column, picture, first in zip(columns, line, units[0], strict=True):
            same_size = picture.shape[:2] == first.shape[:2]
            gap = np.abs(_rgb(picture) - _rgb(first)).mean() if same_size else 0
            table.append([row, column, f"{picture.mean():.5f}", f"{gap:.5f}"])
    return table


def _sheet(units: Sequence[Sequence[Picture]], gap: int = 3) -> tuple[Picture, list[tuple[tuple[int, int], Picture]]]:
    """All pictures on one transparent RGBA sheet, and each one's place: drawing one image is many times faster."""
    height = max(picture.shape[0] for line in units for picture in line) + gap
    width = max(picture.shape[1] for line in units for picture in line) + gap
    sheet = np.zeros((height * len(units) - gap, width * len(units[0]) - gap, 4), dtype=np.float32)
    places = []
    for y, line in enumerate(units):
        for x, picture in enumerate(line):
            down, across = picture.shape[:2]
            sheet[y * height : y * height + down, x * width : x * width + across, :3] = _rgb(picture)
            sheet[y * height : y * height + down, x * width : x * width + across, 3] = 1
            places.append(((y * height, x * width), picture))
    return sheet, places


def _rgb(picture: Picture) -> Picture:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def draw_pictures(source: Path, name: str, folder: Path, *, dpi: int) -> dict[str, Any] | None:
    """Draw the grid that <source>/<name>.json describes, and return that description; None where it is absent.

    The JSON has rows, columns (titles) and files (names of PNGs beside it, row by row).
    """
    description = source / f"{name}.json"
    if not description.exists():
        return None
    grid: dict[str, Any] = read_json(description)
    pictures = [[imread(source / file) for file in files] for files in grid["files"]]
    return grid if draw_grid(pictures, grid["rows"], grid["columns"], folder, name, dpi=dpi) else None


def _unit(picture: Picture) -> Picture:
    """Floats in [0, 1]; a single channel without its axis."""
    picture = picture[..., :3] if picture.ndim == 3 and picture.shape[-1] == 4 else picture
    picture = picture[..., 0] if picture.ndim == 3 and picture.shape[-1] == 1 else picture
    return picture / 255 if picture.dtype == np.uint8 else picture
