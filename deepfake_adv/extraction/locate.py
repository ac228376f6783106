"""Stage `locate`: one face box for every sampled frame of a dataset, and a report of every miss."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfake_adv.execution.pool import check_failures, map_tasks, note_failure, remaining
from deepfake_adv.extraction.boxes import BOXES, log_missed, read_videos, total_counts, write_tables
from deepfake_adv.extraction.groups import plan_groups
from deepfake_adv.extraction.task_files import TaskFiles
from deepfake_adv.extraction.tracking import (
    LocateOptions,
    LocateTask,
    failed_rows,
    load_models,
    locate_group,
    write_group,
)
from deepfake_adv.scratch import Scratch
from deepfake_adv.sources.checkout import code_digest

logger = logging.getLogger(__name__)


def locate_dataset(
    dataset: str,
    inventory: Path,
    frames: Path,
    output: Path,
    *,
    root: Path,
    options: LocateOptions,
    max_failed_share: float,
    warn_missed_share: float,
    execution: Mapping[str, Any],
    scratch: Path = Path("work"),
) -> dict[str, int]:
    """Locate the face in every sampled frame; writes boxes.parquet, misses.csv and videos.csv into `output`.

    Resumes after a kill, group by group. A group whose video fails is reported and its frames are dropped.

    Args:
        dataset: Its name.
        inventory: Folder of ``<quality>.csv``.
        frames: Folder of ``<quality>`` frame tables and stores.
        output: Folder to leave.
        root: Folder that the inventory's paths are relative to.
        options: How to locate.
        max_failed_share: Largest tolerated share of groups whose video fails.
        warn_missed_share: A video is named in the log and the report if the face was missed in a larger share of its
            frames.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        scratch: Folder of unfinished work; must be on the output's file system.

    Returns:
        Counts: groups, and of frames: asked, detected, and of those missed: filled and dropped.

    Raises:
        FileNotFoundError: If frame tables, inventory or a backend's weights are missing.
        ValueError: If an option is wrong, or too many groups fail.
    """
    load_models(options)  # a missing model stops the stage here, not in every group
    groups = plan_groups(frames, inventory, root=root, shared=options.build().shared)
    key = {
        "dataset": dataset,
        "options": {**vars(options), "warn_missed_share": warn_missed_share},
        "groups": [group.digest() for group in groups],
    }
    work = Scratch(f"locate-{dataset}", key, code=code_digest("locate", options.entries()), root=scratch)
    files = TaskFiles(work.path / "tasks", [group.name for group in groups])
    if not (work.path / BOXES).exists():
        tasks = [LocateTask(dataset, group, root, options, files.path(group.name)) for group in groups]
        listed = scratch / f"locate-{dataset}.failures.csv"
        _locate_groups(tasks, max_failed_share, desc=f"locate {dataset}", execution=execution, listed=listed)
        record = {"locate": options.section()}
        write_tables(work.path, files, warn_missed_share=warn_missed_share, record=record)
    videos = read_videos(work.path)
    counts = {"groups": len(groups), **total_counts(videos)}
    files.remove()
    work.publish(output)
    logger.info("%s: %s", dataset, ", ".join(f"{name} {value}" for name, value in counts.items()))
    log_missed(dataset, videos, warn_missed_share)
    return counts


def _locate_groups(
    tasks: Sequence[LocateTask], max_failed_share: float, *, desc: str, execution: Mapping[str, Any], listed: Path
) -> None:
    """Locate the groups that a killed run left; those that fail get rows without boxes, where few enough fail."""
    waiting = remaining(tasks, lambda task: task.output.exists(), desc=desc)
    failed: list[LocateTask] = []
    reasons: dict[str, str] = {}
    for outcome in map_tasks(locate_group, waiting, desc=desc, unit="videos", **execution):
        if outcome.error is not None:
            failed.append(outcome.task)
            note_failure(reasons, outcome.task.group.name, outcome.error)
    check_failures(reasons, len(tasks), max_failed_share, key="locate.max_failed_share", listed=listed)
    for task in failed:
        write_group(task.output, failed_rows(task, reasons[task.group.name]))
