"""Stage `extract`: samples the frames of a part's videos; resumes video by video, with the same bytes."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_adv.crops.record import record_metadata
from deepfake_adv.datasets.videos import UNREADABLE, VideoRow, format_rows, join_notes, parse_ranges, read_rows
from deepfake_adv.execution.pool import check_failures, map_tasks, note_failure, remaining
from deepfake_adv.extraction.frames import SKIPPED, STORE, TABLE, VIDEOS, frame_table, write_frame_table
from deepfake_adv.extraction.media import describe_media
from deepfake_adv.extraction.sampling import Indices, even_indices, random_indices
from deepfake_adv.files import read_json, write_json, write_text
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.video.encode import write_ffv1
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import read_frames, times_and_codec

logger = logging.getLogger(__name__)

FORMS: Final = ("frames", "index")


@dataclass(frozen=True)
class ExtractTask:
    """One video to sample, and where to write its frames.

    Attributes:
        video: Its id.
        path: The video, or the folder of images used as one.
        count: Frames to sample.
        sampling: "even" or "random".
        min_frames: A shorter video is refused.
        store: Video to write the frames to; empty where none are kept.
        output: JSON file to write, with the indices and times of the frames.
        taken: Which images of a folder count, as `format_ranges` writes them; empty for all.
    """

    video: str
    path: str
    count: int
    sampling: str
    min_frames: int
    store: str
    output: str
    taken: str = ""

    @property
    def done(self) -> bool:
        """Whether a killed run finished it; after a run that was published, the JSON file alone may be left."""
        return Path(self.output).exists() and (not self.store or Path(self.store).exists())


def extract(
    inventory: Path,
    root: Path,
    output: Path,
    *,
    counts: Mapping[str, int],
    sampling: str,
    store: str,
    min_frames: int,
    max_skipped_share: float,
    execution: Mapping[str, Any],
    scratch: Path = Path("work"),
) -> None:
    """Sample the frames of every usable video of an inventory; see `frames` for the files in `output`.

    Args:
        inventory: The part's table.
        root: The dataset's folder.
        output: Folder that appears at the end, complete.
        counts: Frames per video by split.
        sampling: "even" or "random".
        store: "frames" to keep the frames as lossless video, "index" to decode again when they are needed. A
            folder of images is never kept twice.
        min_frames: A shorter video is skipped and reported.
        max_skipped_share: Largest tolerated share of the usable videos that fail here.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        scratch: Folder of unfinished work; must be on the output's file system.

    Raises:
        ValueError: If `store` or `sampling` is unknown, or more videos are skipped than allowed.
    """
    if store not in FORMS or sampling not in ("even", "random"):
        raise ValueError(
            f"store must be one of {', '.join(FORMS)} and sampling even or random; got {store!r} and "
            f"{sampling!r}. Correct params.yaml."
        )
    rows = read_rows(inventory)
    usable = [row for row in rows if row.usable]
    key = {
        "videos": [(row.video, row.fingerprint, row.frames, row.taken) for row in usable],
        "counts": dict(counts),
        "choice": [sampling, store, min_frames],
    }
    name = f"extract-{inventory.parent.name}-{inventory.stem}"
    code = code_digest("extract")
    work, files = (Scratch(each, key, code=code, root=scratch) for each in (name, f"{name}-tasks"))
    kept = work.path / STORE if store == "frames" else None
    tasks = [_task(row, root, counts[row.split], sampling, min_frames, kept, files.path) for row in usable]
    failures = _sample_videos(remaining(tasks, lambda task: task.done, desc=name), root, execution)
    listed = scratch / f"{name}.failures.csv"
    check_failures(failures, len(usable), max_skipped_share, key="extract.max_skipped_share", listed=listed)
    skipped = [
        replace(row, status=UNREADABLE, note=failures[row.video]) if row.usable else row
        for row in rows
        if row.video in failures or not row.usable
    ]
    sampled = [
        (row, read_json(Path(task.output)))
        for row, task in zip(usable, tasks, strict=True)
        if row.video not in failures
    ]
    if kept is not None:
        kept.mkdir(exist_ok=True)
    record = {
        "frames": {inventory.parent.name: {**dict(counts), "sampling": sampling}},
        "media": {f"{inventory.parent.name}/{inventory.stem}": describe_media(root, sampled)},
    }
    _write_tables(work.path, sampled, skipped, record)
    work.publish(output)
    files.remove()
    short = sum(bool(frames["note"]) for _, frames in sampled)
    logger.info("%d videos sampled, %d of them shorter than requested, %d skipped", len(sampled), short, len(skipped))


def _task(
    row: VideoRow, root: Path, count: int, sampling: str, min_frames: int, kept: Path | None, folder: Path
) -> ExtractTask:
    path = str(root / row.path)
    store = "" if kept is None or os.path.isdir(path) else str(kept / f"{row.video}.mkv")
    output = str(folder / f"{row.video}.json")
    return ExtractTask(row.video, path, count, sampling, min_frames, store, output, row.taken)


def _write_tables(
    folder: Path,
    sampled: Sequence[tuple[VideoRow, Mapping[str, Any]]],
    skipped: Sequence[VideoRow],
    record: Mapping[str, Any],
) -> None:
    """Write the tables of the sampled frames, of their videos, and of the skipped videos."""
    table = frame_table((row, frames["frames"], frames["times"]) for row, frames in sampled)
    write_frame_table(folder / TABLE, table.replace_schema_metadata(record_metadata(record)))
    kept = [replace(row, note=join_notes(row.note, frames["note"])) for row, frames in sampled]
    write_text(folder / VIDEOS, format_rows(kept))
    write_text(folder / SKIPPED, format_rows(skipped))


def extract_video(task: ExtractTask) -> None:
    """Sample one video; its JSON file is written last, when its frames are complete. A worker runs this.

    Raises:
        VideoError: If the video cannot be read or has too few frames.
    """
    path = Path(task.path)
    times, codec = times_and_codec(path)
    taken = np.array(parse_ranges(task.taken), np.int64) if task.taken else np.arange(len(times))
    if len(taken) and taken[-1] >= len(times):
        raise VideoError(
            f"{path} must hold {taken[-1] + 1} images or more; got {len(times)}. "
            "Run `dvc repro outside/dvc.yaml:inventory`."
        )
    frames = len(taken)
    indices = taken[_sample(task, frames)]
    if task.store:
        try:
            write_ffv1(Path(task.store), read_frames(path, indices))
        except VideoError as error:
            if error.frames is None:
                raise
            frames = error.frames  # fewer frames decode than there are packets: sample those that decode
            indices = _sample(task, frames)
            write_ffv1(Path(task.store), read_frames(path, indices))
    note = f"{frames} frames, {task.count} asked for" if frames < task.count else ""
    sampled = {"frames": indices.tolist(), "times": times[indices].tolist(), "note": note, "codec": codec}
    write_json(Path(task.output), sampled)


def _sample(task: ExtractTask, frames: int) -> Indices:
    if frames < task.min_frames:
        raise VideoError(
            f"{task.path} must have {task.min_frames} frames or more; got {frames}. "
            "Lower extract.min_frames to take it."
        )
    if task.sampling == "random":
        return random_indices(frames, task.count, task.video)
    return even_indices(frames, task.count)


def _sample_videos(tasks: Sequence[ExtractTask], root: Path, execution: Mapping[str, Any]) -> dict[str, str]:
    """Run the tasks; returns the errors by video, with paths relative to the root."""
    failures: dict[str, str] = {}
    for outcome in map_tasks(extract_video, tasks, desc="extract", unit="videos", **execution):
        if outcome.error is not None:
            note_failure(failures, outcome.task.video, outcome.error.replace(f"{root}{os.sep}", ""))
    return failures
