"""The crop file: its columns, how it is written, where each value's bytes are, and how single values are read.

It is a parquet file without dictionaries and without page compression: readers skip row groups by their statistics,
which dictionary columns would switch off, and a value's bytes are in the file as they are, so that one crop can be read
by offset. Image bytes are compressed already.
"""

import errno
import json
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from io import FileIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.crops.record import record_metadata
from deepfake_adv.files import atomic_write
from deepfake_adv.parquet import WRITE_OPTIONS, read_in_multiples

ROW_GROUP: Final = 32
"""Crops per row group: a batch drawn from 32 pooled groups holds nearly as many videos as a shuffle."""

OPEN_FILES: Final = 128
"""Files that one reader keeps open; a large dataset has hundreds, a process may often open 1,024."""

_IMAGE: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_POINTS: Final = pa.list_(pa.float32())

CROP_SCHEMA: Final = pa.schema(
    [
        ("image", _IMAGE),  # the crop: `bytes`, encoded; `path`, unused
        ("mask", _IMAGE),  # the forged region of the crop, 0 or 255; null without
        ("video", pa.string()),  # forgery or real, and its name: DF/000_001
        ("frame", pa.int32()),  # absolute index in the decoded video
        ("time", pa.float32()),  # seconds since the video's first frame
        ("label", pa.int8()),  # 0 real, 1 fake
        ("forgery", pa.string()),  # a forgery, or real
        ("quality", pa.string()),  # raw, c23, c40 or native
        ("split", pa.string()),  # train, val or test
        ("dataset", pa.string()),  # an entry of params.yaml
        ("target", pa.string()),  # whose video it is: an identity or an original video
        ("source", pa.string()),  # whose face a fake shows; null where unknown
        ("box_x", pa.int32()),  # left of the square cut, pixels of the frame
        ("box_y", pa.int32()),  # its top
        ("box_side", pa.int32()),  # its side
        ("face_x0", pa.float32()),  # left of the face in it, pixels of the frame
        ("face_y0", pa.float32()),  # its top
        ("face_x1", pa.float32()),  # its right
        ("face_y1", pa.float32()),  # its bottom
        ("detected", pa.bool_()),  # false: the box was filled in between two detections
        ("width", pa.int32()),  # of the frame, pixels
        ("height", pa.int32()),  # of the frame, pixels
        ("encoding", pa.string()),  # of `image`: webp, png or i420
        ("landmarks", _POINTS),  # 68 points as x0, y0, x1, y1, ..., pixels of the crop
    ]
)

METADATA: Final = tuple(name for name in CROP_SCHEMA.names if name not in ("image", "mask", "landmarks"))
"""Columns that are small: what readers filter by, and what a manifest repeats."""

CROP_WRITE_OPTIONS: Final[dict[str, Any]] = {**WRITE_OPTIONS, "write_statistics": list(METADATA)}
"""Options of `pyarrow.parquet.ParquetWriter`: statistics on what a reader filters by, none on bytes."""

_VALUES: Final = (("image.bytes", "image"), ("mask.bytes", "mask"), ("landmarks", "landmarks"))
"""Columns that are read crop by crop, and the beginning of the names of their byte ranges' columns."""

BYTE_RANGES: Final = {
    f"{kind}_{name}": type_
    for _, kind in _VALUES
    for name, type_ in (("offset", pa.int64()), ("size", pa.int32()), ("crc", pa.uint32()))
}
"""Columns of byte ranges: where in the crop file a value's bytes begin, their number, and their CRC-32."""

_LENGTH_PREFIX: Final = 4  # bytes before each binary value that hold its length


class CorruptCrop(ValueError):
    """A crop that cannot be read."""


def crop_schema(record: Mapping[str, Any] = MappingProxyType({})) -> pa.Schema:
    """CROP_SCHEMA with the features by which `datasets.load_dataset("parquet")` decodes images, and with a record."""
    features = {field.name: _feature(field) for field in CROP_SCHEMA}
    known = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    return CROP_SCHEMA.with_metadata({**known, **record_metadata(record)})


def _feature(field: pa.Field) -> dict[str, Any]:
    if field.type == _IMAGE:
        return {"_type": "Image"}
    if field.type == _POINTS:
        return {"_type": "List", "feature": {"dtype": "float32", "_type": "Value"}}
    name = {"float": "float32", "double": "float64"}.get(str(field.type), str(field.type))
    return {"dtype": name, "_type": "Value"}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the crops of one video as one row group, atomically; there may be none."""
    table = pa.Table.from_pylist(list(rows), schema=crop_schema())
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, row_group_size=max(len(table), 1), **CROP_WRITE_OPTIONS)


def join_files(path: Path, parts: Iterable[Path], record: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Join files of `write_rows` into one crop file with a record, atomically, in memory of a few row groups."""
    schema = crop_schema(record)
    with (
        atomic_write(path) as temporary,
        pq.ParquetWriter(temporary, schema, **CROP_WRITE_OPTIONS) as writer,
    ):
        for table in read_in_multiples(parts, None, rows=ROW_GROUP):
            writer.write_table(pa.Table.from_arrays(table.columns, schema=schema), row_group_size=ROW_GROUP)


def byte_ranges(path: Path) -> pa.Table:
    """Offset, size and CRC-32 of every image, mask and landmark value, null where a crop has none; see BYTE_RANGES.

    Every byte is read once, its page's checksum verified, a row group at a time.

    Args:
        path: A crop file: plain values, neither dictionaries nor page compression.

    Raises:
        ValueError: If a value is not in the file as it is.
        pa.ArrowException, OSError: If the file cannot be read.
    """
    found: dict[str, list[int | None]] = {name: [] for name in BYTE_RANGES}
    with pq.ParquetFile(path, page_checksum_verification=True) as file, open(path, "rb") as stream:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            chunks = {group.column(k).path_in_schema.split(".")[0]: group.column(k) for k in _value_columns(group)}
            table = file.read_row_group(number, columns=[column for column, _ in _VALUES], use_threads=False).flatten()
            for column, kind in _VALUES:
                chunk = chunks[kind]
                stream.seek(chunk.data_page_offset)
                content = stream.read(chunk.total_compressed_size)
                values = _as_bytes(table[column])
                offsets = _offsets(content, values, path, column)
                start = chunk.data_page_offset
                found[f"{kind}_offset"] += [None if offset is None else offset + start for offset in offsets]
                found[f"{kind}_size"] += [None if value is None else len(value) for value in values]
                found[f"{kind}_crc"] += [None if value is None else zlib.crc32(value) for value in values]
    return pa.table({name: pa.array(values, BYTE_RANGES[name]) for name, values in found.items()})


def _value_columns(group: Any) -> list[int]:
    """Indices of the columns that hold the bytes: not the paths beside them."""
    names = [group.column(k).path_in_schema for k in range(group.num_columns)]
    return [k for k, name in enumerate(names) if name.endswith(".bytes") or name.startswith("landmarks.")]


def _as_bytes(column: pa.ChunkedArray) -> list[bytes | None]:
    """Values as they are in the file."""
    if pa.types.is_binary(column.type):
        binary: list[bytes | None] = column.to_pylist()
        return binary
    return [None if value is None else np.asarray(value, "<f4").tobytes() for value in column.to_pylist()]


def _offsets(content: bytes, values: Sequence[bytes | None], path: Path, column: str) -> list[int | None]:
    """Offsets in `content` of values that follow one another in it."""
    gap = _LENGTH_PREFIX if column.endswith(".bytes") else 0
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
    return offsets


class CropReader:
    """Reads ranges of bytes from crop files and verifies their checksums; keeps files open, not what was read.

    Files are read, not memory-mapped: a file that is cut short meanwhile raises an exception, not a bus error. A reader
    can be pickled; its open files are left out. It is for one thread at a time.

    Args:
        root: Folder that the manifest's file paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._files: OrderedDict[str, FileIO] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": OrderedDict()}

    def read(self, file: str, offset: int, size: int, crc: int) -> bytes:
        """Read one value.

        Args:
            file: Its file, relative to the root.
            offset: Of its first byte.
            size: Number of bytes.
            crc: Their CRC-32.

        Raises:
            CorruptCrop: If the file cannot be read, or its bytes are others.
            OSError: If this process has too many files open, which is no error of the file.
        """
        try:
            stream = self._open(file)
            stream.seek(offset)
            data = stream.read(size)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            raise CorruptCrop(str(error)) from error
        if len(data) != size:
            raise CorruptCrop(f"{len(data)} of {size} bytes")
        if zlib.crc32(data) != crc:
            raise CorruptCrop("bytes of another CRC checksum")
        return data

    def _open(self, file: str) -> FileIO:
        if file not in self._files:
            self._files[file] = open(self.root / file, "rb", buffering=0)  # noqa: SIM115
        self._files.move_to_end(file)
        while len(self._files) > OPEN_FILES:
            self._files.popitem(last=False)[1].close()
        return self._files[file]
