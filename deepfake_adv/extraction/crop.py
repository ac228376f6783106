"""Stage `crop`: every located face cut once, without loss, into parquet files per forgery and split."""

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.execution.pool import check_failures, map_tasks, remaining
from deepfake_adv.extraction.box_rows import find_boxes
from deepfake_adv.extraction.crop_files import ROWS_PER_FILE, CropFile, join_file, plan_files
from deepfake_adv.extraction.cutting import CropOptions, CropTask, Cut, crop_video
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.extraction.pieces import Pieces
from deepfake_adv.files import file_fingerprint, read_json, write_csv, write_json
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest

logger = logging.getLogger(__name__)

REPORT: Final = "report.csv"
_COLUMNS: Final = tuple(field.name for field in fields(Cut))
_COUNTS: Final = tuple(name for name in _COLUMNS if name not in ("video", "note"))


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
    breaks is reported and left out; where too many do, the next run tries them again.

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
    store = FrameStore(frames, root)
    rows, counts = store.rows, {video: len(indices) for video, indices in store.indices.items()}
    runs = find_boxes(boxes, quality)
    plan = plan_files([rows[video] for video in sorted(counts)], counts, rows_per_file)
    key = {"dataset": dataset, "quality": quality, "options": vars(options), "plan": rows_per_file}
    key |= _inputs(frames, boxes, rows)
    work = Scratch(f"crop-{dataset}-{quality}", key, code=code_digest("crop"), root=scratch)
    order = [video for file in plan for video in file.videos]
    pieces = Pieces(work.path / "pieces", order)
    if not (work.path / REPORT).exists():
        tasks = [
            CropTask(
                dataset, quality, rows[video], store.of(video), boxes, runs.get(video, ()), root, options,
                pieces.path(video),
            )
            for video in order
        ]  # fmt: skip
        _cut_files(work.path, plan, tasks, pieces, counts, desc=f"crop {dataset} {quality}", execution=execution)
        _finish(work.path, plan, tasks, pieces, max_failed_share)
    totals = _totals(work.path / REPORT)
    pieces.remove()
    work.publish(output)
    logger.info("%s %s: %s", dataset, quality, ", ".join(f"{name} {value}" for name, value in totals.items()))
    return totals


def _inputs(frames: Path, boxes: Path, rows: Mapping[str, VideoRow]) -> dict[str, Any]:
    """What decides the crops beside the parameters."""
    return {
        "frames": file_fingerprint(Path(frames) / "frames.parquet"),
        "boxes": file_fingerprint(boxes),
        "videos": {video: [row.fingerprint, row.mask_path] for video, row in sorted(rows.items())},
    }


def _cut_files(
    folder: Path,
    plan: Sequence[CropFile],
    tasks: Sequence[CropTask],
    pieces: Pieces,
    counts: Mapping[str, int],
    *,
    desc: str,
    execution: Mapping[str, Any],
) -> None:
    """Cut what a killed run has left, and join each file once its last video is there; that of a failed one waits."""
    # a file of which no face was found is never written: its videos are gone through again, quickly
    open_files = [file for file in plan if not (folder / file.name).exists()]
    waiting = {file: {video for video in file.videos if not pieces.path(video).exists()} for file in open_files}
    owner = {video: file for file, videos in waiting.items() for video in videos}
    left = remaining(tasks, lambda task: task.row.video not in owner, desc=desc)
    for file in [file for file, videos in waiting.items() if not videos]:
        join_file(folder, file, pieces)
    for outcome in map_tasks(crop_video, left, desc=desc, unit="videos", **execution):
        video = outcome.task.row.video
        if outcome.error is not None:
            logger.warning("%s: %s", video, outcome.error)
            write_json(outcome.task.report, vars(Cut(video, counts[video], failed=1, note=outcome.error)))
            continue
        file = owner[video]
        waiting[file].remove(video)
        if not waiting[file]:
            join_file(folder, file, pieces)


def _finish(
    folder: Path, plan: Sequence[CropFile], tasks: Sequence[CropTask], pieces: Pieces, max_failed_share: float
) -> None:
    """Join the files that failed videos are missing from; the report last, as it marks the end."""
    reports = [read_json(task.report) for task in sorted(tasks, key=lambda task: task.row.video)]
    failures = {report["video"]: report["note"] for report in reports if report["failed"]}
    check_failures(failures, len(reports), max_failed_share, key="crop.max_failed_share")
    for file in plan:
        if not (folder / file.name).exists():
            join_file(folder, file, pieces)
    write_csv(folder / REPORT, _COLUMNS, reports)


def _totals(report: Path) -> dict[str, int]:
    with open(report, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {"videos": len(rows), **{name: sum(int(row[name]) for row in rows) for name in _COUNTS}}
