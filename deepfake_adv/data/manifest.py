"""Rows of crop files and how to find a crop again by its manifest row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.data.encoding import decode_crop, decode_mask
from deepfake_adv.data.schema import CROP_SCHEMA, MANIFEST_SCHEMA, WRITE_OPTIONS
from deepfake_adv.files import atomic_write, file_fingerprint

_GROUP = 16_384


@dataclass(frozen=True, eq=False)
class Crop:
    """One decoded crop.

    Attributes:
        image: ``(S, S, 3)`` uint8 RGB.
        mask: ``(S, S)`` uint8, or None where the crop has none.
        landmarks: ``(68, 2)`` float32 pixels of the crop, or None.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
    landmarks: NDArray[np.float32] | None


def read_crop(root: Path, row: Mapping[str, Any]) -> Crop:
    """Read the crop that a manifest row points to.

    For one crop at a time, as figures need it; training reads whole row groups.

    Args:
        root: The data folder.
        row: A manifest row: `file`, `row_group`, `row`.

    Raises:
        FileNotFoundError: If the file is gone.
        ValueError: If the row does not lie in the file, or its bytes are damaged.
    """
    path = Path(root) / row["file"]
    if not path.is_file():
        raise FileNotFoundError(
            f"crop file must be at {path}; found none. Run `dvc repro crop shard`, or `dvc checkout`."
        )
    with pq.ParquetFile(path, memory_map=True) as file:
        if not 0 <= row["row_group"] < file.num_row_groups:
            raise ValueError(
                f"row group must lie in {path}, which has {file.num_row_groups}; got {row['row_group']}. "
                "Run `dvc repro shard`."
            )
        table = file.read_row_group(
            row["row_group"], columns=["image", "mask", "encoding", "landmarks"], use_threads=False
        )
    if not 0 <= row["row"] < len(table):
        raise ValueError(f"row must lie in a group of {len(table)} of {path}; got {row['row']}. Run `dvc repro shard`.")
    crop = table.slice(row["row"], 1).to_pylist()[0]
    mask, points = crop["mask"], crop["landmarks"]
    return Crop(
        decode_crop(crop["image"]["bytes"], crop["encoding"]),
        None if mask is None else decode_mask(mask["bytes"]),
        None if points is None else np.array(points, dtype=np.float32).reshape(-1, 2),
    )


def crop_file_rows(path: Path, root: Path) -> pa.Table:
    """Manifest rows of one crop file, in its order; no pixel is read.

    Args:
        path: The crop file.
        root: The data folder that `file` is relative to.

    Raises:
        ValueError: If the file is no crop file.
    """
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            if not file.schema_arrow.equals(CROP_SCHEMA):
                raise pa.ArrowInvalid("its columns are others")
            names = [name for name in MANIFEST_SCHEMA.names if name in CROP_SCHEMA.names]
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            table = file.read(columns=[*names, "mask.path"])
    except pa.ArrowException as error:
        raise ValueError(
            f"{path} must be a whole crop file; got: {error}. Delete it and run `dvc repro crop`."
        ) from error
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.concatenate([np.arange(size) for size in sizes]) if sizes else np.empty(0, int)
    name = Path(path).relative_to(root).as_posix()
    places = {
        "has_mask": pc.is_valid(table["mask"]),
        "file": pa.array([name] * len(table), pa.string()),
        "row_group": pa.array(groups, pa.int32()),
        "row": pa.array(rows, pa.int32()),
        "file_fingerprint": pa.array([file_fingerprint(path)] * len(table), pa.string()),
    }
    columns = [table[field.name] if field.name in names else places[field.name] for field in MANIFEST_SCHEMA]
    return pa.Table.from_arrays(columns, schema=MANIFEST_SCHEMA)


def write_manifest(table: pa.Table, path: Path) -> None:
    """Write manifest rows, atomically; row groups carry statistics of every column."""
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, row_group_size=_GROUP, **WRITE_OPTIONS)
