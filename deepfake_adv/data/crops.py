"""Stage `crop`: every located face cut once, without loss, into parquet files per forgery and split."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.data.cutting import CropOptions, CropTask, Cut, crop_video
from deepfake_adv.data.frames import open_store
from deepfake_adv.data.pieces import Pieces, gather, write_csv
from deepfake_adv.data.schema import CROP_WRITE_OPTIONS, ROW_GROUP, crop_schema
from deepfake_adv.data.videos import VideoRow
from deepfake_adv.execution.pool import map_tasks, remaining
from deepfake_adv.files import Scratch, atomic_write, file_fingerprint, read_json, write_json

logger = logging.getLogger(__name__)

ROWS_PER_FILE: Final = 4096
"""Crops per file, about: 130 MB of i420 and 250 MB of WebP at FaceForensics++'s sizes."""

REPORT: Final = "report.csv"
_REPORT_COLUMNS: Final = ("video", "asked", "cut", "dropped", "undetected", "masks_missing", "note")
_FORMAT: Final = 1


@dataclass(frozen=True)
class _File:
    """A file of the output: whole videos of one forgery and split."""

    name: str
    videos: tuple[str, ...]


def crop_part(
    dataset: str,
    quality: str,
    frames: Path,
    faces: Path,
    output: Path,
    *,
    root: Path,
    options: CropOptions,
    max_failed_share: float,
    execution: Mapping[str, Any],
    rows_per_file: int = ROWS_PER_FILE,
    scratch: Path = Path("work"),
) -> dict[str, int]:
    """Cut every located face of a part; writes parquet files and report.csv into `output`.

    Resumes video by video after a kill, and file by file once their videos are joined. A video that
    breaks is reported and left out.

    Args:
        dataset: Its name.
        quality: The part's quality.
        frames: Frame table and store of the part.
        faces: What `locate` left for the dataset.
        output: Folder to leave.
        root: The dataset's folder, for masks and the store of the form `index`.
        options: How to cut and encode.
        max_failed_share: Largest tolerated share of videos that break.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        rows_per_file: A file takes whole videos until it has this many sampled frames.
        scratch: Folder of unfinished work; must lie on the output's file system.

    Returns:
        Counts: videos, failed, asked, cut, dropped, undetected, masks_missing.

    Raises:
        FileNotFoundError: If frames or boxes are missing.
        ValueError: If an option is wrong, or too many videos fail.
    """
    options.check()
    boxes = Path(faces) / "boxes.parquet"
    if not boxes.is_file():
        raise FileNotFoundError(f"boxes must be at {boxes}; found none. Run `dvc repro locate`.")
    rows = {row.video: row for row in open_store(frames, root).videos()}
    counts = _frame_counts(frames)
    plan = plan_files([rows[video] for video in sorted(counts)], counts, rows_per_file)
    inputs = {
        "frames": file_fingerprint(Path(frames) / "frames.parquet"),
        "boxes": file_fingerprint(boxes),
        "videos": {video: [rows[video].fingerprint, rows[video].mask_path] for video in sorted(counts)},
    }
    key = {"format": _FORMAT, "dataset": dataset, "quality": quality, "options": vars(options), "plan": rows_per_file}
    work = Scratch(f"crop-{dataset}-{quality}", {**key, **inputs}, root=scratch)
    pieces = Pieces(work.path / "pieces", [video for file in plan for video in file.videos])
    open_files = [file for file in plan if not _done(work.path, file)]
    waiting = {file: {video for video in file.videos if not pieces.path(video).exists()} for file in open_files}
    left = {video for videos in waiting.values() for video in videos}
    tasks = remaining(
        [
            CropTask(dataset, quality, rows[video], frames, boxes, root, options, pieces.path(video))
            for file in plan
            for video in sorted(file.videos)
        ],
        lambda task: task.row.video not in left,
        desc=f"crop {dataset} {quality}",
    )
    owner = {video: file for file in waiting for video in file.videos}
    failed: list[str] = []
    for file in [file for file, videos in waiting.items() if not videos]:
        _join(work.path, file, pieces)
    for outcome in map_tasks(crop_video, tasks, desc=f"crop {dataset} {quality}", unit="videos", **execution):
        video = outcome.task.row.video
        if outcome.error is not None:
            logger.warning("%s: %s", video, outcome.error)
            write_json(pieces.path(video).with_suffix(".json"), vars(Cut(video, counts[video], note=outcome.error)))
            failed.append(f"{video}: {outcome.error}")
        waiting[owner[video]].discard(video)
        if not waiting[owner[video]]:
            _join(work.path, owner[video], pieces)
    if len(failed) > max_failed_share * len(rows):
        raise ValueError(
            f"at most {max_failed_share:.1%} of the videos may fail in crop; {len(failed)} of {len(rows)} did, for one "
            f"{failed[0]} Mend them, or raise crop.max_failed_share."
        )
    reports = [read_json(pieces.path(video).with_suffix(".json")) for video in sorted(counts)]
    write_csv(work.path / REPORT, _REPORT_COLUMNS, reports)
    pieces.remove()
    work.publish(output)
    sums = {name: sum(report[name] for report in reports) for name in _REPORT_COLUMNS[1:-1]}
    totals = {"videos": len(reports), "failed": len(failed), **sums}
    logger.info("%s %s: %s", dataset, quality, ", ".join(f"{name} {value}" for name, value in totals.items()))
    return totals


def plan_files(rows: Sequence[VideoRow], counts: dict[str, int], rows_per_file: int) -> list[_File]:
    """Assign whole videos to files, in the order of forgery, split and video."""
    if rows_per_file < 1:
        raise ValueError(f"rows_per_file must be at least 1; got {rows_per_file}. Use {ROWS_PER_FILE}.")
    files: list[_File] = []
    kinds = sorted({(row.forgery, row.split) for row in rows})
    for forgery, split in kinds:
        held: list[str] = []
        number = 0
        for video in sorted(row.video for row in rows if (row.forgery, row.split) == (forgery, split)):
            if held and sum(counts[v] for v in held) + counts[video] > rows_per_file:
                files.append(_File(f"{forgery}-{split}-{number:03d}.parquet", tuple(held)))
                held, number = [], number + 1
            held.append(video)
        files.append(_File(f"{forgery}-{split}-{number:03d}.parquet", tuple(held)))
    return files


def _frame_counts(frames: Path) -> dict[str, int]:
    table = pq.read_table(Path(frames) / "frames.parquet", columns=["video"])
    return {entry["values"]: entry["counts"] for entry in table["video"].value_counts().to_pylist()}


def _done(folder: Path, file: _File) -> bool:
    # a file of which no face was found is never written: its videos are gone through again, quickly
    return (folder / file.name).exists()


def _join(folder: Path, file: _File, pieces: Pieces) -> None:
    """Put the videos of a file together, then delete their pieces; reports stay to the end."""
    paths = [path for path in map(pieces.path, file.videos) if path.exists()]
    if sum(pq.read_metadata(path).num_rows for path in paths):
        schema = crop_schema()
        with (
            atomic_write(folder / file.name) as temporary,
            pq.ParquetWriter(temporary, schema, **CROP_WRITE_OPTIONS) as writer,
        ):
            for table in gather(paths, None, at_least=ROW_GROUP):
                writer.write_table(pa.Table.from_arrays(table.columns, schema=schema), row_group_size=ROW_GROUP)
    for path in paths:
        path.unlink()
