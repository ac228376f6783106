"""Where in a crop file each picture's own bytes lie, so that a reader of one crop touches nothing else."""

import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.crops.schema import RANGED, RANGES

_PREFIX: Final = 4  # bytes that say a binary value's length stand before it
_NAMES: Final = {kind: tuple(name for name in RANGES if name.startswith(f"{kind}_")) for _, kind in RANGED}


def byte_ranges(path: Path) -> pa.Table:
    """Offset, size and CRC-32 of every value of the columns RANGED, null where the value is; see `schema.RANGES`.

    Every byte is read once, its page's checksum verified, a row group at a time.

    Args:
        path: A crop file: plain values, neither dictionaries nor page compression.

    Raises:
        ValueError: If a value does not stand in the file as it is.
        pa.ArrowException, OSError: If the file cannot be read.
    """
    found: dict[str, list[int | None]] = {name: [] for name in RANGES}
    with pq.ParquetFile(path, page_checksum_verification=True) as file, open(path, "rb") as stream:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            chunks = {group.column(k).path_in_schema.split(".")[0]: group.column(k) for k in _leaves(group)}
            table = file.read_row_group(number, columns=[column for column, _ in RANGED], use_threads=False).flatten()
            for column, kind in RANGED:
                chunk = chunks[kind]
                stream.seek(chunk.data_page_offset)
                content = stream.read(chunk.total_compressed_size)
                values = _values(table[column])
                for name, numbers in zip(_NAMES[kind], _locate(content, values, path, column), strict=True):
                    shift = chunk.data_page_offset if name.endswith("_offset") else 0
                    found[name] += [None if value is None else value + shift for value in numbers]
    return pa.table({name: pa.array(values, RANGES[name]) for name, values in found.items()})


def _leaves(group: Any) -> list[int]:
    """Numbers of the columns that hold the bytes: not the paths beside them."""
    names = [group.column(k).path_in_schema for k in range(group.num_columns)]
    return [k for k, name in enumerate(names) if name.endswith(".bytes") or name.startswith("landmarks.")]


def _values(column: pa.ChunkedArray) -> list[bytes | None]:
    """Values as the file has them."""
    if pa.types.is_binary(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    return [None if value is None else np.asarray(value, "<f4").tobytes() for value in column.to_pylist()]


def _locate(
    content: bytes, values: list[bytes | None], path: Path, column: str
) -> tuple[list[int | None], list[int | None], list[int | None]]:
    """Offset in `content`, size and CRC-32 of values that follow one another in it."""
    gap = _PREFIX if column.endswith(".bytes") else 0
    offsets: list[int | None] = []
    end = 0
    for value in values:
        if value is None:
            offsets.append(None)
            continue
        start = end + gap
        if content[start : start + len(value)] != value:  # a page begins in between
            start = content.find(value, end)
        if start < 0:
            raise ValueError(
                f"{path} must hold {column} as plain values without compression; got another encoding. Delete it and "
                "run `dvc repro crop`."
            )
        offsets.append(start)
        end = start + len(value)
    sizes = [None if value is None else len(value) for value in values]
    return offsets, sizes, [None if value is None else zlib.crc32(value) for value in values]
