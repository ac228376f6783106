"""Manifests: written from the crop files, read as columns, rows chosen by condition. No pixel is decoded.

A manifest has dictionaries, as its readers take whole columns: there are no row groups to skip.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.crops.files import BYTE_RANGES, CROP_SCHEMA, METADATA, byte_ranges
from deepfake_adv.crops.record import Record, record_of
from deepfake_adv.datasets.conditions import rows_of_condition
from deepfake_adv.files import atomic_write, file_fingerprint
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL, Condition
from deepfake_adv.parquet import WRITE_OPTIONS, Ints, distinct, number_rows, parquet_errors, texts

# Landmarks stay in the crop files: in the manifest of all of FaceForensics++ they would take 1.2 GB.
MANIFEST_SCHEMA: Final = pa.schema(
    [CROP_SCHEMA.field(name) for name in METADATA]
    + [
        pa.field("has_mask", pa.bool_()),  # the crop file holds a mask
        pa.field("file", pa.string()),  # relative to the data folder, POSIX
        pa.field("row_group", pa.int32()),  # of the crop file
        pa.field("row", pa.int32()),  # in the row group
        pa.field("file_fingerprint", pa.string()),  # of the crop file's bytes
        *(pa.field(name, type_) for name, type_ in BYTE_RANGES.items()),
    ]
)

MANIFEST_WRITE_OPTIONS: Final[dict[str, Any]] = {
    **WRITE_OPTIONS,
    "use_dictionary": [name for name in MANIFEST_SCHEMA.names if name not in BYTE_RANGES],
    "column_encoding": {name: "PLAIN" if name.endswith("_crc") else "DELTA_BINARY_PACKED" for name in BYTE_RANGES},
}
"""Options of `pyarrow.parquet.ParquetWriter`: texts once per row group make a manifest an eighth as large."""

SUBSTITUTE_VIDEOS: Final = 16
"""Videos searched for a substitute, in addition to a crop's own."""

_ROW_GROUP: Final = 16_384
_COLUMNS: Final = [
    "video", "frame", "label", "forgery", "quality", "dataset", "target",
    "has_mask", "file", "row_group", "row", "file_fingerprint", "encoding",
    *BYTE_RANGES,
]  # fmt: skip
_TEXTS: Final = [field.name for field in MANIFEST_SCHEMA if field.type == pa.string()]


def crop_file_rows(path: Path, root: Path) -> pa.Table:
    """Manifest rows of one crop file, in its order; its bytes are read once, for offsets and checksums.

    Args:
        path: The crop file.
        root: The data folder that `file` is relative to.

    Raises:
        ValueError: If the file is no crop file.
    """
    with parquet_errors(path, "crop file", "run `dvc repro crop`"), pq.ParquetFile(path, memory_map=True) as file:
        if not file.schema_arrow.equals(CROP_SCHEMA):
            raise pa.ArrowInvalid("other columns than a crop file has")
        names = [name for name in MANIFEST_SCHEMA.names if name in CROP_SCHEMA.names]
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        table = file.read(columns=[*names, "mask.path"])
        ranges = byte_ranges(path)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.concatenate([np.arange(size) for size in sizes]) if sizes else np.empty(0, int)
    name = Path(path).relative_to(root).as_posix()
    places = {
        "has_mask": pc.is_valid(table["mask"]),
        "file": pa.array([name] * len(table), pa.string()),
        "row_group": pa.array(groups, pa.int32()),
        "row": pa.array(rows, pa.int32()),
        "file_fingerprint": pa.array([file_fingerprint(path)] * len(table), pa.string()),
        **{column: ranges[column] for column in ranges.column_names},
    }
    columns = [table[field.name] if field.name in names else places[field.name] for field in MANIFEST_SCHEMA]
    return pa.Table.from_arrays(columns, schema=MANIFEST_SCHEMA)


def write_manifest(table: pa.Table, path: Path) -> None:
    """Write manifest rows, atomically."""
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, row_group_size=_ROW_GROUP, **MANIFEST_WRITE_OPTIONS)


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
        record: How the crops were made; empty where nobody wrote it down.
    """

    path: Path
    columns: pa.Table
    labels: Ints
    videos: Ints
    frames: Ints
    groups: Ints
    record: Record = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def targets(self) -> Ints:
        """``(N,)`` a number per target of a dataset and quality: equal for a real and its fakes."""
        return number_rows(self.columns, "dataset", "quality", "target")

    def ranges(self, kind: str) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]:
        """``(N,)`` each: offset, size, CRC-32 of a crop's image, mask or landmarks; a size of -1 where it has none."""
        columns = (self.columns[f"{kind}_{name}"] for name in ("offset", "size", "crc"))
        offset, size, crc = (
            column.fill_null(null).to_numpy() for column, null in zip(columns, (0, -1, 0), strict=True)
        )
        return offset, size, crc

    def strings(self, name: str) -> NDArray[Any]:
        """One text column as an array of objects."""
        return texts(self.columns, name)


def read_manifest(path: Path) -> CropTable:
    """Read a manifest's columns, without landmarks, which stay with the crops.

    Raises:
        FileNotFoundError: If there is no such manifest.
        ValueError: If it is no parquet file, is cut short, lacks a column or has no row.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"manifest must be a parquet file; found none at {path}. Run `dvc repro shard`.")
    with parquet_errors(path, "manifest", "run `dvc repro shard`"):
        schema = pq.read_schema(path)
        missing = set(_COLUMNS) - set(schema.names)
        if missing:
            raise ValueError(f"{path} must have the columns {', '.join(sorted(missing))}. Run `dvc repro shard` again.")
        # as dictionaries, texts take two bytes per row and are numbered without being compared
        columns = pq.read_table(path, columns=_COLUMNS, memory_map=True, read_dictionary=_TEXTS)
        columns = columns.unify_dictionaries().combine_chunks()
    if not len(columns):
        raise ValueError(f"{path} must have at least one row; got none. See data/inventory/report.csv.")
    return CropTable(
        Path(path),
        columns,
        labels=columns["label"].to_numpy().astype(np.int64),
        videos=number_rows(columns, "dataset", "quality", "video"),
        frames=columns["frame"].to_numpy().astype(np.int64),
        groups=number_rows(columns, "file", "row_group"),
        record=record_of(schema),
    )


def select(table: CropTable, condition: Condition, *, key: str = "runs.<run>.conditions or its tier") -> Ints:
    """Rows of a condition: its fakes, and the reals of the same datasets and qualities.

    Args:
        table: The manifest.
        condition: The condition.
        key: Of params.yaml, that names it.

    Raises:
        ValueError: If a class has no row; names what the manifest holds.
    """
    fakes, reals = rows_of_condition(table.columns, condition)
    rows = np.flatnonzero(fakes | reals)
    for label, name in ((FAKE_LABEL, "fake"), (REAL_LABEL, "real")):
        if not (table.labels[rows] == label).any():
            held = sorted(distinct(table.columns, "forgery", "quality"))
            raise ValueError(
                f"condition must have {name} crops in {table.path}; got none for {condition}, which holds "
                f"{', '.join('_'.join(pair) for pair in held)}. Correct {key}."
            )
    return rows


def thin(table: CropTable, rows: Ints, frames: int) -> Ints:
    """Keep `frames` evenly spaced rows of each video, all rows where 0; rows stay in order."""
    return rows[spread(table.videos[rows], table.frames[rows], frames)] if frames else rows


def spread(videos: Ints, frames: Ints, most: int) -> Ints:
    """Indices of at most `most` crops of each video, evenly spaced over those it has, increasing.

    Args:
        videos: ``(N,)`` a number per video.
        frames: ``(N,)`` frame index in the video, which orders its crops.
        most: Crops kept per video, at least 1.
    """
    order = np.lexsort((frames, videos))
    _, start, count = np.unique(videos[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(start, count)
    length = np.repeat(count, count)
    kept = np.minimum(length, most)
    # the rounded line of slope kept / length rises by one exactly `kept` times, evenly
    half = (length - 1) // 2
    steps = ((place + 1) * kept + half) // length > (place * kept + half) // length
    return np.sort(order[steps])


def verify_files(table: CropTable, rows: Ints, root: Path) -> None:
    """Check, before any work, that the crop files of `rows` are those the manifest was written from.

    Raises:
        ValueError: If a file is missing or has changed; names every such file.
    """
    problems = []
    asked = table.columns.select(["file", "file_fingerprint"]).take(pa.array(rows))
    for name, expected in sorted(distinct(asked, "file", "file_fingerprint")):
        path = Path(root) / name
        if not path.exists():
            problems.append(f"{name} (missing)")
        elif file_fingerprint(path) != expected:
            problems.append(f"{name} (changed or cut short)")
    if problems:
        raise ValueError(
            f"crop files must be those that {table.path} was written from; got {', '.join(problems)}. "
            "Run `dvc repro` to rebuild them, or `dvc checkout` to restore them."
        )


class Substitutes:
    """Finds crops to show in place of one that cannot be read: of its video, near in time, or else of its condition.

    Dataset, quality and forgery stay the same, and with them the label. So a substitute belongs to every condition that
    the crop belongs to, and a run trains on nothing that its conditions do not name.

    Args:
        table: The manifest.
    """

    def __init__(self, table: CropTable) -> None:
        self._videos, self._frames = table.videos, table.frames
        self._kinds = number_rows(table.columns, "dataset", "quality", "forgery")

    def of(self, row: int) -> Iterator[int]:
        """Rows of its video, the nearest in time first; then one of each of `SUBSTITUTE_VIDEOS` videos after it."""
        same_video = np.flatnonzero(self._videos == self._videos[row])
        yield from (int(other) for other in self._by_time(same_video, row) if other != row)
        same_kind = np.flatnonzero(self._kinds == self._kinds[row])
        videos = np.unique(self._videos[same_kind])
        start = int(np.searchsorted(videos, self._videos[row]))
        for video in np.roll(videos, -start)[1 : SUBSTITUTE_VIDEOS + 1]:
            yield int(self._by_time(same_kind[self._videos[same_kind] == video], row)[0])

    def _by_time(self, rows: Ints, row: int) -> Ints:
        return rows[np.argsort(np.abs(self._frames[rows] - self._frames[row]), kind="stable")]
