"""Stage `locate`: one box for every sampled frame of a dataset, and a report of every miss."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfake_adv.execution.pool import check_failures, map_tasks, remaining
from deepfake_adv.extraction.face_tables import BOXES, join_pieces, read_videos, say_which, total
from deepfake_adv.extraction.groups import plan_groups
from deepfake_adv.extraction.pieces import Pieces
from deepfake_adv.extraction.tracking import (
    LocateOptions,
    LocateTask,
    failed_rows,
    load_models,
    locate_group,
    write_piece,
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

    Resumes group by group after a kill. A group whose video breaks is reported, its frames dropped.

    Args:
        dataset: Its name.
        inventory: Folder of ``<quality>.csv``.
        frames: Folder of ``<quality>`` frame tables and stores.
        output: Folder to leave.
        root: Folder that the inventory's paths are relative to.
        options: What to do.
        max_failed_share: Largest tolerated share of groups whose video breaks.
        warn_missed_share: A video is named in the log and the report if the face was missed in a larger share of its
            frames.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        scratch: Folder of unfinished work; must lie on the output's file system.

    Returns:
        Counts: groups, and of frames: asked, detected, and of those missed: filled and dropped.

    Raises:
        FileNotFoundError: If frame tables, inventory or a backend's weights are missing.
        ValueError: If an option is wrong, or too many groups fail.
    """
    load_models(options)  # fail here, not 15,000 times
    groups = plan_groups(frames, inventory, root=root, shared=options.build().shared)
    key = {
        "dataset": dataset,
        "options": {**vars(options), "warn_missed_share": warn_missed_share},
        "groups": [group.digest() for group in groups],
    }
    work = Scratch(f"locate-{dataset}", key, code=code_digest("locate", options.entries()), root=scratch)
    pieces = Pieces(work.path / "pieces", [group.name for group in groups])
    if not (work.path / BOXES).exists():
        tasks = [LocateTask(dataset, group, root, options, pieces.path(group.name)) for group in groups]
        _locate_groups(tasks, max_failed_share, desc=f"locate {dataset}", execution=execution)
        join_pieces(work.path, pieces, warn_missed_share=warn_missed_share)
    videos = read_videos(work.path)
    counts = {"groups": len(groups), **total(videos)}
    pieces.remove()
    work.publish(output)
    logger.info("%s: %s", dataset, ", ".join(f"{name} {value}" for name, value in counts.items()))
    say_which(dataset, videos, warn_missed_share)
    return counts


def _locate_groups(
    tasks: Sequence[LocateTask], max_failed_share: float, *, desc: str, execution: Mapping[str, Any]
) -> None:
    """Leave a piece of each group that a killed run has not; of one that failed without a box, once few enough did."""
    waiting = remaining(tasks, lambda task: task.piece.exists(), desc=desc)
    failed: dict[str, tuple[LocateTask, str]] = {}
    for outcome in map_tasks(locate_group, waiting, desc=desc, unit="videos", **execution):
        if outcome.error is not None:
            failed[outcome.task.group.name] = outcome.task, outcome.error
            logger.warning("%s: %s", outcome.task.group.name, outcome.error)
    reasons = {name: reason for name, (_, reason) in failed.items()}
    check_failures(reasons, len(tasks), max_failed_share, key="locate.max_failed_share")
    for task, reason in failed.values():
        write_piece(task.piece, failed_rows(task, reason))
