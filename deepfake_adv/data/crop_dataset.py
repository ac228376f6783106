"""Crops for training and scoring: manifest rows chosen by condition, images read from parquet shards."""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.files import file_fingerprint
from deepfake_adv.names import ALL_FORGERIES, FAKE_LABEL, REAL, REAL_LABEL, Condition

logger = logging.getLogger(__name__)

Ints = NDArray[np.int64]
RowGroup = dict[str, list[Any]]  # values by column, one per row
_COLUMNS = [
    "video", "frame", "label", "forgery", "quality", "dataset", "target",
    "has_mask", "file", "row_group", "row", "file_fingerprint", "encoding",
]  # fmt: skip


class CorruptCrop(ValueError):
    """A crop, or the row group it lies in, that cannot be read."""


@dataclass(frozen=True, eq=False)
class CropTable:
    """Columns of a manifest, one entry per crop, in the manifest's order.

    Attributes:
        path: The manifest.
        columns: Arrow columns by name, as the manifest has them.
        labels: ``(N,)`` 0 real, 1 fake.
        videos: ``(N,)`` a number per video of a dataset and quality.
        frames: ``(N,)`` frame index in the video.
        groups: ``(N,)`` a number per row group of a file.
    """

    path: Path
    columns: pa.Table
    labels: Ints
    videos: Ints
    frames: Ints
    groups: Ints

    def __len__(self) -> int:
        return len(self.labels)

    def targets(self) -> Ints:
        """``(N,)`` a number per target of a dataset and quality: equal for a real and its fakes."""
        return _codes(self.columns, "dataset", "quality", "target")

    def strings(self, name: str) -> NDArray[Any]:
        """One text column as an array of objects."""
        return np.asarray(self.columns[name].to_numpy(zero_copy_only=False))


def read_manifest(path: Path) -> CropTable:
    """Read a manifest's columns, without landmarks, which stay with the crops.

    Raises:
        FileNotFoundError: If there is no such manifest.
        ValueError: If a column is missing or there is no row.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"manifest must be a parquet file; found none at {path}. Run `dvc repro shard`.")
    missing = set(_COLUMNS) - set(pq.read_schema(path).names)
    if missing:
        raise ValueError(f"{path} must have the columns {', '.join(sorted(missing))}. Run `dvc repro shard` again.")
    columns = pq.read_table(path, columns=_COLUMNS, memory_map=True).combine_chunks()
    if not len(columns):
        raise ValueError(f"{path} must have at least one row; got none. See data/inventory/report.csv.")
    return CropTable(
        Path(path),
        columns,
        labels=columns["label"].to_numpy().astype(np.int64),
        videos=_codes(columns, "dataset", "quality", "video"),
        frames=columns["frame"].to_numpy().astype(np.int64),
        groups=_codes(columns, "file", "row_group"),
    )


def _codes(columns: pa.Table, *names: str) -> Ints:
    """Number the distinct tuples of some columns."""
    parts = [columns[name].cast(pa.string()).combine_chunks() for name in names]
    joined = pc.binary_join_element_wise(*parts, "\n")
    if isinstance(joined, pa.ChunkedArray):
        joined = joined.combine_chunks()
    return joined.dictionary_encode().indices.to_numpy().astype(np.int64)


def select(table: CropTable, condition: Condition) -> Ints:
    """Rows of a condition: its fakes, and the reals of the same datasets and qualities.

    Raises:
        ValueError: If either class has no row; says what the manifest holds.
    """
    forgery, quality, dataset = (table.columns[name] for name in ("forgery", "quality", "dataset"))
    wanted = pa.array(condition.forgeries())
    fakes = pc.is_in(forgery, value_set=wanted)
    if condition.forgery != ALL_FORGERIES:  # a dataset may be named in place of a forgery
        fakes = pc.or_(fakes, pc.and_(pc.is_in(dataset, value_set=wanted), pc.not_equal(forgery, REAL)))
    qualities = condition.qualities()
    if qualities is not None:
        fakes = pc.and_(fakes, pc.is_in(quality, value_set=pa.array(qualities)))
    chosen = np.asarray(fakes)
    pairs = set(zip(dataset.filter(fakes).to_pylist(), quality.filter(fakes).to_pylist(), strict=True))
    reals = np.zeros(len(table), bool)
    for name, tier in pairs:
        same = pc.and_(pc.equal(dataset, name), pc.equal(quality, tier))
        reals |= np.asarray(pc.and_(same, pc.equal(forgery, REAL)))
    rows = np.flatnonzero(chosen | reals)
    for label, name in ((FAKE_LABEL, "fake"), (REAL_LABEL, "real")):
        if not (table.labels[rows] == label).any():
            held = sorted(set(zip(table.strings("forgery"), table.strings("quality"), strict=True)))
            raise ValueError(
                f"condition must have {name} crops in {table.path}; got none for {condition}, which holds "
                f"{', '.join('_'.join(pair) for pair in held)}. Mend runs.<run>.conditions or its tier."
            )
    return rows


def thin(table: CropTable, rows: Ints, frames: int) -> Ints:
    """Keep `frames` evenly spaced rows of each video, all where 0; rows stay in order."""
    if not frames:
        return rows
    kept = []
    for video in np.unique(table.videos[rows]):
        own = rows[table.videos[rows] == video]
        own = own[np.argsort(table.frames[own], kind="stable")]
        take = min(frames, len(own))
        kept.append(own[(np.arange(take) * len(own) + len(own) // 2) // take])
    return np.sort(np.concatenate(kept))


def verify_files(table: CropTable, rows: Ints, root: Path) -> None:
    """Check, before any work, that the crop files of `rows` are those the manifest was written from.

    Raises:
        ValueError: Naming every file that is missing or has changed.
    """
    pairs = set(zip(table.strings("file")[rows], table.strings("file_fingerprint")[rows], strict=True))
    faults = []
    for name, expected in sorted(pairs):
        path = Path(root) / name
        if not path.exists():
            faults.append(f"{name} (missing)")
        elif file_fingerprint(path) != expected:
            faults.append(f"{name} (changed or cut short)")
    if faults:
        raise ValueError(
            f"crop files must be those that {table.path} was written from; got {', '.join(faults)}. "
            "Run `dvc repro` to make them again, or `dvc checkout` to restore them."
        )


class CropReader:
    """Encoded crops by file, row group and row; keeps the last row groups read.

    Files are memory-mapped and only the columns asked for are touched. Row groups are kept as Python's
    values: held as Arrow's they would keep its allocator from reusing memory, and every read would pay for
    fresh pages (measured: a tenth of decoding). Safe to send to another process: open files stay behind.

    Args:
        root: Folder that the manifest's file paths start from.
        columns: Columns of the crop files; a field of a struct as "image.bytes".
        keep: Row groups kept in memory.
    """

    def __init__(self, root: Path, columns: Sequence[str], keep: int) -> None:
        self.root, self.columns, self.keep = Path(root), list(columns), keep
        self._files: dict[str, pq.ParquetFile] = {}
        self._groups: OrderedDict[tuple[str, int], RowGroup] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": {}, "_groups": OrderedDict()}

    def group(self, file: str, row_group: int) -> RowGroup:
        """One row group.

        Raises:
            CorruptCrop: If it cannot be read.
        """
        key = (file, row_group)
        kept = self._groups.get(key)
        if kept is not None:
            self._groups.move_to_end(key)
            return kept
        try:
            if file not in self._files:
                self._files[file] = pq.ParquetFile(self.root / file, memory_map=True)
            table = self._files[file].read_row_group(row_group, columns=self.columns, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise CorruptCrop(
                f"row group must be readable; got {error} in row group {row_group} of {self.root / file}. "
                "Delete the file and run `dvc repro`, or set train.corrupt to skip."
            ) from error
        kept = self._groups[key] = table.flatten().to_pydict()
        while len(self._groups) > self.keep:
            self._groups.popitem(last=False)
        return kept
