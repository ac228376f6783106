"""Stage `locate`: one box for every sampled frame of a dataset, and a report of every miss."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.data.frames import open_store
from deepfake_adv.data.groups import Group, plan_groups
from deepfake_adv.data.pieces import Pieces
from deepfake_adv.data.schema import BOX_SCHEMA, LANDMARK_VALUES, WRITE_OPTIONS
from deepfake_adv.execution.pool import check_failures, map_tasks, remaining
from deepfake_adv.faces.box import FaceBox, mask_overlap
from deepfake_adv.faces.landmarks import Landmarker, build_landmarker
from deepfake_adv.faces.pick import pick_track
from deepfake_adv.faces.policy import Policy, build_policy
from deepfake_adv.faces.registry import Locator, build_locator
from deepfake_adv.faces.track import DROPPED, SEEN, Found, Track, detect_sparse, fill_track, sample_track
from deepfake_adv.files import Scratch, atomic_write, write_csv
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.sources.closure import Entry
from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import read_frames

logger = logging.getLogger(__name__)

_GROUP: Final = 16_384  # rows per row group of the box table
_MISS_COLUMNS: Final = ("dataset", "target", "video", "quality", "frame", "action", "reason")
_PIECE_SCHEMA: Final = pa.schema([*BOX_SCHEMA, ("action", pa.string()), ("reason", pa.string())])

_NO_FACE: Final = "no face found"


@dataclass(frozen=True)
class LocateOptions:
    """What decides the boxes, beside the videos: section `locate` of params.yaml."""

    backend: str
    policy: str
    every: int
    smooth: int
    landmarks: str
    on_miss: str

    def entries(self) -> set[Entry]:
        """What it builds by name; decides, with the stage, which code it is made of."""
        return {("locator", self.backend), ("landmarker", self.landmarks)}

    def build(self) -> Policy:
        """The policy.

        Raises:
            ValueError: If an option is unknown or out of range.
        """
        if self.on_miss not in ("interpolate", "drop"):
            raise ValueError(
                f"on_miss must be interpolate or drop; got {self.on_miss!r}. Mend locate.on_miss in params.yaml."
            )
        return build_policy(self.policy, every=self.every, smooth=self.smooth)


@dataclass(frozen=True, eq=False)
class LocateTask:
    """One group to locate; picklable."""

    dataset: str
    group: Group
    frames: Path
    root: Path
    options: LocateOptions
    piece: Path


def locate_dataset(
    dataset: str,
    inventory: Path,
    frames: Path,
    output: Path,
    *,
    root: Path,
    options: LocateOptions,
    max_failed_share: float,
    execution: Mapping[str, Any],
    scratch: Path = Path("work"),
) -> dict[str, int]:
    """Locate the face in every sampled frame; writes boxes.parquet and misses.csv into `output`.

    Resumes group by group after a kill. A group whose video breaks is reported, its frames dropped.

    Args:
        dataset: Its name.
        inventory: Folder of ``<quality>.csv``.
        frames: Folder of ``<quality>`` frame tables and stores.
        output: Folder to leave.
        root: Folder that the inventory's paths are relative to.
        options: What to do.
        max_failed_share: Largest tolerated share of groups whose video breaks.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        scratch: Folder of unfinished work; must lie on the output's file system.

    Returns:
        Counts: groups, failed, asked, detected, missed.

    Raises:
        FileNotFoundError: If frame tables, inventory or a backend's weights are missing.
        ValueError: If an option is wrong, or too many groups fail.
    """
    policy = options.build()
    (
        _locator(options.backend, policy.upsample, policy.scale),
        _landmarker(options.landmarks),
    )  # fail here, not 15,000 times
    groups = plan_groups(frames, inventory, shared=policy.shared)
    key = {"dataset": dataset, "options": vars(options), "groups": [g.digest() for g in groups]}
    work = Scratch(f"locate-{dataset}", key, code=code_digest("locate", options.entries()), root=scratch)
    pieces = Pieces(work.path / "pieces", [group.name for group in groups])
    if not (work.path / "boxes.parquet").exists():
        tasks = [LocateTask(dataset, group, frames, root, options, pieces.path(group.name)) for group in groups]
        _locate_groups(tasks, max_failed_share, desc=f"locate {dataset}", execution=execution)
        _merge(work.path, pieces)
    counts = _count(work.path, len(groups))
    pieces.remove()
    work.publish(output)
    logger.info("%s: %s", dataset, ", ".join(f"{name} {value}" for name, value in counts.items()))
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
        _write_piece(task.piece, _failed_rows(task, reason))


def locate_group(task: LocateTask) -> None:
    """Find the lead's track and leave a piece with the boxes of all members.

    Raises:
        VideoError: If the lead cannot be read.
    """
    policy, group = task.options.build(), task.group
    locator = _locator(task.options.backend, policy.upsample, policy.scale)
    store = open_store(task.frames / group.quality, task.root)
    indices, found = detect_sparse(
        store.frames(group.lead),
        lambda planes: locator(i420_to_rgb(planes)),
        every=policy.every,
        agree=policy.agree,
        same=policy.same,
    )
    chosen = _choose(found, indices, policy, task)
    track = fill_track(indices, chosen, found, same=policy.same, smooth=policy.smooth)
    landmarker = _landmarker(task.options.landmarks)
    if landmarker is not None:
        track = replace(track, points=_points(landmarker, store.frames(group.lead), track))
    tables = [_rows(task, video, sample_track(track, frames, end=group.end)) for video, frames in group.members.items()]
    _write_piece(task.piece, pa.concat_tables(tables))


@lru_cache(maxsize=1)
def _locator(backend: str, upsample: int, scale: float) -> Locator:
    """One per worker process: loading takes longer than a frame."""
    return build_locator(backend, upsample=upsample, scale=scale)


@lru_cache(maxsize=1)
def _landmarker(name: str) -> Landmarker | None:
    return build_landmarker(name)


def _choose(found: Found, indices: list[int], policy: Policy, task: LocateTask) -> dict[int, FaceBox]:
    """The right person's box of each position with a face."""
    positions = sorted(position for position, boxes in found.items() if boxes)
    candidates = [found[position] for position in positions]
    if policy.first or all(len(boxes) == 1 for boxes in candidates):
        return {position: found[position][0] for position in positions}
    scores = None
    if task.group.mask_path:
        try:
            wanted = [indices[position] for position in positions]
            masks = read_frames(task.root / task.group.mask_path, wanted, masks=True)
            scores = [
                [mask_overlap(box, _luma(mask)) for box in boxes] for boxes, mask in zip(candidates, masks, strict=True)
            ]
        except VideoError as error:
            logger.warning("%s: picking the face by continuity, as its mask fails: %s", task.group.name, error)
    picked = pick_track(candidates, scores)
    return {position: found[position][choice] for position, choice in zip(positions, picked, strict=True)}


def _luma(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gray values of a mask frame from 0, as limited range starts at 16."""
    luma = planes[: len(planes) * 2 // 3]
    return np.maximum(luma, 16) - np.uint8(16)


def _points(landmarker: Landmarker, frames: Iterator[tuple[int, Any]], track: Track) -> NDArray[np.float64]:
    points = np.full((len(track.frames), LANDMARK_VALUES), np.nan)
    for row, (_, planes) in enumerate(frames):
        if not np.isnan(track.boxes[row, 0]):
            points[row] = landmarker(i420_to_rgb(planes), FaceBox(*track.boxes[row])).ravel()
    return points


def _rows(task: LocateTask, video: str, track: Track) -> pa.Table:
    """Box rows of one member."""
    group, action = task.group, track.action.copy()
    late = track.frames >= group.end
    reason = np.where(late, f"past the end of {group.lead}, which has {group.end} frames", _NO_FACE)
    if task.options.on_miss == "drop":
        action[action != SEEN] = DROPPED
    gone = action == DROPPED
    boxes = np.where(gone[:, None], np.nan, track.boxes)
    points = None
    if track.points is not None:
        points = [None if lost else row for lost, row in zip(gone, track.points.astype(np.float32), strict=True)]
    columns: dict[str, Any] = {
        **_names(task, video, track.frames),
        **{name: pa.array(boxes[:, k], pa.float32(), mask=gone) for k, name in enumerate(("x0", "y0", "x1", "y1"))},
        "confidence": track.confidence,
        "detected": action == SEEN,
        "landmarks": [None] * len(gone) if points is None else points,
        "action": action.tolist(),
        "reason": np.where(action == SEEN, "", reason).tolist(),
    }
    return pa.table(columns, schema=_PIECE_SCHEMA)


def _failed_rows(task: LocateTask, reason: str) -> pa.Table:
    tables = []
    for video, frames in task.group.members.items():
        count = len(frames)
        empty = {name: [None] * count for name in ("x0", "y0", "x1", "y1", "landmarks")}
        state = {"confidence": np.zeros(count), "detected": [False] * count, "action": [DROPPED] * count}
        columns = {**_names(task, video, frames), **empty, **state, "reason": [reason] * count}
        tables.append(pa.table(columns, schema=_PIECE_SCHEMA))
    return pa.concat_tables(tables)


def _names(task: LocateTask, video: str, frames: NDArray[np.int64]) -> dict[str, Any]:
    """The columns that say which frame a row is of."""
    group, count = task.group, len(frames)
    return {
        "dataset": [task.dataset] * count,
        "target": [group.target] * count,
        "video": [video] * count,
        "quality": [group.quality if group.alone else None] * count,
        "frame": frames,
    }


def _write_piece(path: Path, table: pa.Table) -> None:
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, **WRITE_OPTIONS)


def _merge(folder: Path, pieces: Pieces) -> None:
    """All pieces in order as one table, never whole in memory; the table last, as it marks the end."""

    def misses() -> Iterator[Mapping[str, Any]]:
        for path in pieces.paths():
            table = pq.read_table(path, columns=list(_MISS_COLUMNS))
            yield from table.filter(pc.not_equal(table["action"], SEEN)).to_pylist()

    write_csv(folder / "misses.csv", _MISS_COLUMNS, misses())
    with (
        atomic_write(folder / "boxes.parquet") as temporary,
        pq.ParquetWriter(temporary, BOX_SCHEMA, **WRITE_OPTIONS) as writer,
    ):
        for table in pieces.tables(BOX_SCHEMA.names, at_least=_GROUP):
            writer.write_table(table.cast(BOX_SCHEMA), row_group_size=_GROUP)


def _count(folder: Path, groups: int) -> dict[str, int]:
    detected = pq.read_table(folder / "boxes.parquet", columns=["detected"])["detected"].to_numpy()
    seen = int(detected.sum())
    return {"groups": groups, "asked": len(detected), "detected": seen, "missed": len(detected) - seen}
