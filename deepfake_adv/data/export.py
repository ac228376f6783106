"""Exports crops as PNG files in the folder layouts that SLADD and DeepfakeBench read, with their JSON files."""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.crops.codec import decode_crop, decode_mask, resize, scale_points
from deepfake_adv.crops.files import CorruptCrop
from deepfake_adv.data.export_formats import FORMATS, Format
from deepfake_adv.files import check_inside, inside, write_json
from deepfake_adv.names import REAL
from deepfake_adv.parquet import parquet_errors

logger = logging.getLogger(__name__)

_REMEDY: Final = "Delete the file and run `dvc repro crop`."
_COLUMNS = (
    "image",
    "mask",
    "video",
    "frame",
    "forgery",
    "quality",
    "split",
    "target",
    "source",
    "encoding",
    "landmarks",
    "box_side",
)


def export_frames(crops: Path, output: Path, *, layout: str, size: int | None = None) -> int:
    """Write the crops of one part as PNG files, without loss unless they are resized.

    Args:
        crops: The output of `crop` for a part: data/crops/<dataset>/<quality>.
        output: Folder to write; it appears at the end, complete.
        layout: "sladd" or "deepfakebench".
        size: Side of the images in pixels; None for the crops as they are, each of its own size.

    Returns:
        Number of crops.

    Raises:
        FileNotFoundError: If there are no crops.
        FileExistsError: If `output` exists already.
        CorruptCrop: If a crop cannot be read.
        ValueError: If the layout is unknown or cannot hold the part, the files hold no crops, or a name in them leads
            out of `output`.
    """
    if layout not in FORMATS:
        raise ValueError(f"layout must be one of {', '.join(FORMATS)}; got {layout!r}. Choose one of them.")
    crops, output = Path(crops), Path(output)
    files = sorted(crops.glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"{crops} must hold crops; found none. Run `dvc repro crop` and name a part's folder.")
    if output.exists() or output.is_symlink():
        raise FileExistsError(f"{output} must not exist; got a path that does. Remove it or choose another folder.")
    _check_files(files)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as name:
        partial = Path(name) / output.name
        count = _export(files, partial, FORMATS[layout](crops.parent.name, _forgeries(files)), size)
        os.replace(partial, output)
    logger.info("%s: %d crops in the layout of %s", output, count, layout)
    return count


def _export(files: Sequence[Path], folder: Path, layout: Format, size: int | None) -> int:
    count = 0
    for path, row in _rows(files):
        whose = f"video of a crop in {path}"
        check_inside(row["video"], whose)
        image, mask, points = (None if at is None else inside(folder, at, whose) for at in layout.paths(row))
        assert image is not None
        try:
            _write(image, decode_crop(row["image"]["bytes"], row["encoding"])[..., ::-1], size)
            if mask is not None and row["mask"] is not None:
                _write(mask, decode_mask(row["mask"]["bytes"]), size)
        except ValueError as error:
            raise CorruptCrop(
                f"{path} must hold crops that decode; frame {row['frame']} of {row['video']} does not: {error} "
                f"{_REMEDY}"
            ) from error
        if points is not None and row["landmarks"] is not None:
            _write_points(points, row, size)
        count += 1
    for name, content in layout.documents().items():
        write_json(inside(folder, name, "name of a dataset"), content)
    return count


def _check_files(files: Sequence[Path]) -> None:
    for file in files:
        with parquet_errors(file, "crop file", "run `dvc repro crop`"):
            missing = set(_COLUMNS) - set(pq.read_schema(file).names)
        if missing:
            raise ValueError(
                f"{file} must be a file of crops; got a table without {', '.join(sorted(missing))}. "
                "Name a part's folder, data/crops/<dataset>/<quality>."
            )


def _forgeries(files: Sequence[Path]) -> set[str]:
    found: set[str] = set()
    for file in files:
        with parquet_errors(file, "crop file", "run `dvc repro crop`"):
            found |= set(pc.unique(pq.read_table(file, columns=["forgery"])["forgery"]).to_pylist())
    return found - {REAL}


def _rows(files: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in files:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                try:
                    rows = file.read_row_group(group, columns=list(_COLUMNS)).to_pylist()
                except (OSError, pa.ArrowException) as error:
                    raise CorruptCrop(
                        f"row group must be readable; got {error} in row group {group} of {path}. {_REMEDY}"
                    ) from error
                yield from ((path, row) for row in rows)


def _write(path: Path, pixels: NDArray[np.uint8], size: int | None) -> None:
    resized = pixels
    if size is not None:
        resized = np.empty((size, size, *pixels.shape[2:]), np.uint8)
        resize(pixels, resized)
    good, encoded = cv2.imencode(".png", resized)
    assert good
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())


def _write_points(path: Path, row: Mapping[str, Any], size: int | None) -> None:
    points = np.array(row["landmarks"], dtype=np.float32).reshape(-1, 2)
    if size is not None:
        points = scale_points(points, (row["box_side"], row["box_side"]), size)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, points)
