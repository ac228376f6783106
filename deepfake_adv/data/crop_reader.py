"""Encoded crops by file, row group and row."""

import errno
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

OPEN_FILES = 128  # by one reader; a large dataset has thousands, a process may often hold 1,024
RowGroup = dict[str, list[Any]]  # values by column, one per row


class CorruptCrop(ValueError):
    """A crop, or the row group it lies in, that cannot be read."""


class CropReader:
    """Reads encoded crops; keeps the last row groups read.

    Files are memory-mapped, only the columns asked for are touched, their checksums verified. Safe to send to
    another process: open files and what was read stay behind.

    Args:
        root: Folder that the manifest's file paths start from.
        columns: Columns of the crop files; a field of a struct as "image.bytes".
        keep: Row groups kept in memory.
    """

    def __init__(self, root: Path, columns: Sequence[str], keep: int) -> None:
        self.root, self.columns, self.keep = Path(root), list(columns), keep
        self._files: OrderedDict[str, pq.ParquetFile] = OrderedDict()
        self._groups: OrderedDict[tuple[str, int], RowGroup] = OrderedDict()
        self._broken: dict[tuple[str, int], str] = {}  # read once, since a row group may hold many crops

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": OrderedDict(), "_groups": OrderedDict()}

    def group(self, file: str, row_group: int) -> RowGroup:
        """One row group.

        Raises:
            CorruptCrop: If it cannot be read.
            OSError: If this process has too many files open, which is no fault of the file's.
        """
        key = (file, row_group)
        kept = self._groups.get(key)
        if kept is not None:
            self._groups.move_to_end(key)
            return kept
        if key in self._broken:
            raise CorruptCrop(self._broken[key])
        try:
            table = self._open(file).read_row_group(row_group, columns=self.columns, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            self._broken[key] = (
                f"row group must be readable; got {error} in row group {row_group} of {self.root / file}. "
                "Delete the file and run `dvc repro`, or set train.corrupt to skip."
            )
            raise CorruptCrop(self._broken[key]) from error
        kept = self._groups[key] = dict(_columns(table))
        while len(self._groups) > self.keep:
            self._groups.popitem(last=False)
        return kept

    def _open(self, file: str) -> pq.ParquetFile:
        if file not in self._files:
            path = self.root / file
            self._files[file] = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
        self._files.move_to_end(file)
        while len(self._files) > OPEN_FILES:
            self._files.popitem(last=False)[1].close(force=True)
        return self._files[file]


def _columns(table: pa.Table) -> Iterator[tuple[str, list[Any]]]:
    """Names and values of a table's columns and its structs' fields; bytes as views of Arrow's own, not copied."""
    flat = table.flatten()
    for name, column in zip(flat.column_names, flat.columns, strict=True):
        yield name, [_view(value) for value in column] if pa.types.is_binary(column.type) else column.to_pylist()


def _view(value: pa.BinaryScalar) -> memoryview | None:
    return memoryview(value.as_buffer()) if value.is_valid else None
