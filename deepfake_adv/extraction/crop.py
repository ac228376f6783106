"""Stage `crop`: every located face is cut once, without loss, into crop files per forgery and split."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from deepfake_adv.crops.files import join_files
from deepfake_adv.crops.record import Record, read_record
from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.execution.pool import check_failures, map_tasks, note_failure, remaining
from deepfake_adv.extraction.boxes import BOXES, find_boxes
from deepfake_adv.extraction.cutting import CropOptions, CropReport, CropTask, crop_video
from deepfake_adv.extraction.frames import TABLE, FrameStore
from deepfake_adv.extraction.task_files import TaskFiles
from deepfake_adv.files import file_fingerprint, read_csv, read_json, write_csv, write_json
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest

logger = logging.getLogger(__name__)

REPORT: Final = "report.csv"
_COLUMNS: Final = tuple(field.name for field in fields(CropReport))
_COUNTS: Final = tuple(name for name in _COLUMNS if name not in ("video", "note"))

ROWS_PER_FILE: Final = 4096
"""Crops per file, about: 130 MB of i420 and 250 MB of WebP at FaceForensics++'s sizes."""


@dataclass(frozen=True)
class CropFile:
    """A crop file of the output: complete videos of one forgery and split."""

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
    """Cut every located face of a part; writes crop files and report.csv into `output`.

    Resumes after a kill, video by video, and file by file once their videos are joined. A video that fails is reported
    and left out; where too many fail, the next run tries them again.

    Args:
        dataset: Its name.
        quality: The part's quality.
        frames: Frame table and store of the part.
        faces: What `locate` left for the dataset.
        output: Folder to leave.
        root: The dataset's folder, for masks and the store of the form `index`.
        options: How to cut and encode.
        max_failed_share: Largest tolerated share of videos that fail.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        rows_per_file: Complete videos are added to a file until it has this many sampled frames.
        scratch: Folder of unfinished work; must be on the output's file system.

    Returns:
        Counts: videos, failed, asked, cut, dropped, undetected, masks_missing.

    Raises:
        FileNotFoundError: If frames or boxes are missing.
        ValueError: If an option is wrong, or too many videos fail.
    """
    options.check()
    boxes = Path(faces) / BOXES
    if not boxes.is_file():
        raise FileNotFoundError(f"boxes must be at {boxes}; found none. Run `dvc repro locate`.")
    store = FrameStore(frames, root)
    rows, counts = store.rows, {video: len(indices) for video, indices in store.indices.items()}
    ranges = find_boxes(boxes, quality)
    plan = plan_files([rows[video] for video in sorted(counts)], counts, rows_per_file)
    key = {"dataset": dataset, "quality": quality, "options": vars(options), "plan": rows_per_file}
    key |= _inputs(frames, boxes, rows)
    work = Scratch(f"crop-{dataset}-{quality}", key, code=code_digest("crop"), root=scratch)
    record = {**read_record(Path(frames) / TABLE), **read_record(boxes), "crop": vars(options)}
    order = [video for file in plan for video in file.videos]
    files = TaskFiles(work.path / "tasks", order)
    if not (work.path / REPORT).exists():
        tasks = [
            CropTask(
                dataset, quality, rows[video], store.of(video), boxes, ranges.get(video, ()), root, options,
                files.path(video),
            )
            for video in order
        ]  # fmt: skip
        desc = f"crop {dataset} {quality}"
        _cut_videos(work.path, plan, tasks, files, counts, record, desc=desc, execution=execution)
        listed = scratch / f"crop-{dataset}-{quality}.failures.csv"
        _finish(work.path, plan, tasks, files, max_failed_share, listed, record)
    totals = _totals(work.path / REPORT)
    files.remove()
    work.publish(output)
    logger.info("%s %s: %s", dataset, quality, ", ".join(f"{name} {value}" for name, value in totals.items()))
    return totals


def plan_files(rows: Sequence[VideoRow], counts: Mapping[str, int], rows_per_file: int) -> list[CropFile]:
    """Assign complete videos to crop files, in the order of forgery, split and video.

    Args:
        rows: The videos.
        counts: Sampled frames by video.
        rows_per_file: Complete videos are added to a file until it has this many frames.

    Raises:
        ValueError: If `rows_per_file` is below 1.
    """
    if rows_per_file < 1:
        raise ValueError(f"rows_per_file must be at least 1; got {rows_per_file}. Use {ROWS_PER_FILE}.")
    files: list[CropFile] = []
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        kinds[row.forgery, row.split].append(row.video)
    for (forgery, split), videos in sorted(kinds.items()):
        held: list[str] = []
        number = size = 0
        for video in sorted(videos):
            if held and size + counts[video] > rows_per_file:
                files.append(CropFile(f"{forgery}-{split}-{number:03d}.parquet", tuple(held)))
                held, number, size = [], number + 1, 0
            held.append(video)
            size += counts[video]
        files.append(CropFile(f"{forgery}-{split}-{number:03d}.parquet", tuple(held)))
    return files


def _inputs(frames: Path, boxes: Path, rows: Mapping[str, VideoRow]) -> dict[str, Any]:
    """What decides the crops, in addition to the parameters."""
    return {
        "frames": file_fingerprint(Path(frames) / "frames.parquet"),
        "boxes": file_fingerprint(boxes),
        "videos": {video: [row.fingerprint, row.mask_path] for video, row in sorted(rows.items())},
    }


def _cut_videos(
    folder: Path,
    plan: Sequence[CropFile],
    tasks: Sequence[CropTask],
    files: TaskFiles,
    counts: Mapping[str, int],
    record: Record,
    *,
    desc: str,
    execution: Mapping[str, Any],
) -> None:
    """Cut the videos that a killed run left, and join each file after its last video; that of a failed one waits."""
    # a file without any face is never written: its videos are cut again, which is quick
    unwritten = [file for file in plan if not (folder / file.name).exists()]
    waiting = {file: {video for video in file.videos if not files.path(video).exists()} for file in unwritten}
    owner = {video: file for file, videos in waiting.items() for video in videos}
    left = remaining(tasks, lambda task: task.row.video not in owner, desc=desc)
    for file in [file for file, videos in waiting.items() if not videos]:
        _join(folder, file, files, record)
    failures: dict[str, str] = {}
    for outcome in map_tasks(crop_video, left, desc=desc, unit="videos", **execution):
        video = outcome.task.row.video
        if outcome.error is not None:
            note_failure(failures, video, outcome.error)
            write_json(outcome.task.report, vars(CropReport(video, counts[video], failed=1, note=outcome.error)))
            continue
        file = owner[video]
        waiting[file].remove(video)
        if not waiting[file]:
            _join(folder, file, files, record)


def _finish(
    folder: Path,
    plan: Sequence[CropFile],
    tasks: Sequence[CropTask],
    files: TaskFiles,
    max_failed_share: float,
    listed: Path,
    record: Record,
) -> None:
    """Join the remaining files, without their failed videos; the report last, as it marks the end."""
    reports = [read_json(task.report) for task in sorted(tasks, key=lambda task: task.row.video)]
    failures = {report["video"]: report["note"] for report in reports if report["failed"]}
    check_failures(failures, len(reports), max_failed_share, key="crop.max_failed_share", listed=listed)
    for file in plan:
        if not (folder / file.name).exists():
            _join(folder, file, files, record)
    write_csv(folder / REPORT, _COLUMNS, reports)


def _join(folder: Path, file: CropFile, files: TaskFiles, record: Record) -> None:
    """Join a file's videos, then delete their own files; reports stay to the end.

    A file without any face is never written.
    """
    paths = [path for path in map(files.path, file.videos) if path.exists()]
    if sum(pq.read_metadata(path).num_rows for path in paths):
        join_files(folder / file.name, paths, record)
    for path in paths:
        path.unlink()


def _totals(report: Path) -> dict[str, int]:
    rows = list(read_csv(report))
    return {"videos": len(rows), **{name: sum(int(row[name]) for row in rows) for name in _COUNTS}}
