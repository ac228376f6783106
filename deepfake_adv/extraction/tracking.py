"""One group's faces: located in its lead, picked, tracked, and written as rows of boxes for every member."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.extraction.boxes import BOX_SCHEMA, CORNERS
from deepfake_adv.extraction.groups import Group
from deepfake_adv.faces.base import Landmarker, Locator
from deepfake_adv.faces.box import FaceBox, mask_overlap
from deepfake_adv.faces.landmarks import POINTS, build_landmarker
from deepfake_adv.faces.pick import pick_first, pick_track
from deepfake_adv.faces.policy import Policy, build_policy
from deepfake_adv.faces.registry import build_locator
from deepfake_adv.faces.size import MAX_PIXELS
from deepfake_adv.faces.track import DROPPED, SEEN, Detections, Track, detect_sparse, fill_track, sample_track
from deepfake_adv.files import atomic_write
from deepfake_adv.parquet import WRITE_OPTIONS
from deepfake_adv.sources.closure import RegistryEntry
from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.read import read_frames
from deepfake_adv.video.shots import mark_cuts, planes_thumbnail

logger = logging.getLogger(__name__)

# In addition to a frame's box: what was done where the face was missed, and why; and for the whole lead the number of
# shots and of people other than the one picked, null where it could not be read.
GROUP_SCHEMA: Final = pa.schema(
    [*BOX_SCHEMA, ("action", pa.string()), ("reason", pa.string()), ("shots", pa.int32()), ("others", pa.int32())]
)


@dataclass(frozen=True)
class LocateOptions:
    """What decides the boxes, in addition to the videos: section `locate` of params.yaml.

    ``backend`` and ``landmarks`` are names; ``backend_params`` and ``landmarks_params`` are fields of their `Params`.
    """

    backend: str
    policy: str
    every: int
    smooth: int
    landmarks: str
    on_miss: str
    max_gap: int
    max_pixels: int = MAX_PIXELS
    backend_params: Mapping[str, Any] = field(default_factory=dict)
    landmarks_params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, *, backend: Mapping[str, Any], landmarks: Mapping[str, Any], **others: Any) -> "LocateOptions":
        """From the section, in which `backend` and `landmarks` are entries with their names among the keys."""
        own, points = dict(backend), dict(landmarks)
        return cls(own.pop("name"), landmarks=points.pop("name"), backend_params=own, landmarks_params=points, **others)

    def section(self) -> dict[str, Any]:
        """The section again, plain values: `of` gives these options back."""
        own = {"backend": {"name": self.backend, **self.backend_params}}
        own["landmarks"] = {"name": self.landmarks, **self.landmarks_params}
        return {name: value for name, value in vars(self).items() if not name.endswith("_params")} | own

    def entries(self) -> set[RegistryEntry]:
        """The registry entries that it builds; with the stage, they decide which code it consists of."""
        return {("locator", self.backend), ("landmarker", self.landmarks)}

    def build(self) -> Policy:
        """The policy.

        Raises:
            ValueError: If an option is unknown or out of range.
        """
        if self.on_miss not in ("interpolate", "drop"):
            raise ValueError(
                f"on_miss must be interpolate or drop; got {self.on_miss!r}. Correct locate.on_miss in params.yaml."
            )
        if self.max_gap < 0:
            raise ValueError(f"max_gap must be at least 0; got {self.max_gap}. Use 8, or 0 to fill nothing.")
        return build_policy(self.policy, every=self.every, smooth=self.smooth)


@dataclass(frozen=True, eq=False)
class LocateTask:
    """One group to locate; picklable."""

    dataset: str
    group: Group
    root: Path
    options: LocateOptions
    output: Path


def locate_group(task: LocateTask) -> None:
    """Track the lead's face and write the boxes of all members. A worker runs this.

    Raises:
        VideoError: If the lead cannot be read.
    """
    policy, group = task.options.build(), task.group
    detections = find_faces(group.frames.read(), task.options)
    chosen, others = _choose(detections, policy, task)
    track = follow(detections, chosen, task.options)
    landmarker = _landmarker(task.options)
    if landmarker is not None:
        track = replace(track, points=_points(landmarker, group.frames.read(), track))
    seen = {"shots": len(detections.cuts) + 1, "others": others}
    tables = [
        _rows(task, video, sample_track(track, frames, end=group.end), seen) for video, frames in group.members.items()
    ]
    write_group(task.output, pa.concat_tables(tables))


def find_faces(frames: Iterator[tuple[int, Any]], options: LocateOptions) -> Detections:
    """The faces and cuts of a video's sampled frames, given as absolute index and I420 planes, in order.

    Raises:
        VideoError: If a frame cannot be read.
    """
    policy = options.build()
    locator = _locator(options, policy)
    return detect_sparse(
        mark_cuts(frames, lambda frame: planes_thumbnail(frame[1])),
        lambda planes: locator(i420_to_rgb(planes)),
        every=policy.every,
        agree=policy.agree,
        same=policy.same,
    )


def follow(detections: Detections, chosen: Mapping[int, FaceBox], options: LocateOptions) -> Track:
    """The track of one person, or of those who are taken for one, by their box at each position that shows them."""
    policy = options.build()
    max_gap = options.max_gap if options.on_miss == "interpolate" else 0
    return fill_track(detections, chosen, same=policy.same, smooth=policy.smooth, max_gap=max_gap)


def load_models(options: LocateOptions) -> None:
    """Load what `locate_group` needs, so that a missing model stops the stage before any group.

    Raises:
        ValueError: If a name or one of its params is unknown.
        FileNotFoundError: If a backend's weights are missing.
    """
    _locator(options, options.build())
    _landmarker(options)


def _locator(options: LocateOptions, policy: Policy) -> Locator:
    return _loaded_locator(options.backend, _text(options.backend_params), policy.scale, options.max_pixels)


def _landmarker(options: LocateOptions) -> Landmarker | None:
    return _loaded_landmarker(options.landmarks, _text(options.landmarks_params))


def _text(params: Mapping[str, Any]) -> str:
    return json.dumps(dict(params), sort_keys=True)


@lru_cache(maxsize=1)
def _loaded_locator(name: str, params: str, scale: float, max_pixels: int) -> Locator:
    """One per worker process, as loading takes longer than a frame. `params` are JSON, as a list has no hash."""
    return build_locator(name, scale=scale, max_pixels=max_pixels, **json.loads(params))


@lru_cache(maxsize=1)
def _loaded_landmarker(name: str, params: str) -> Landmarker | None:
    return build_landmarker(name, **json.loads(params))


def _choose(detections: Detections, policy: Policy, task: LocateTask) -> tuple[dict[int, FaceBox], int]:
    """The picked person's box at each position that shows them, and how many other people were seen."""
    positions = detections.positions()
    candidates = [detections.found[position] for position in positions]
    shots = detections.shots(positions)
    if policy.first:
        picked = pick_first(candidates, shots)
    else:
        scores = _mask_scores(detections, positions, task) if task.group.mask_path else None
        picked = pick_track(candidates, scores, weights=position_weights(positions), shots=shots)
    pairs = zip(positions, picked.faces, strict=True)
    return {place: detections.found[place][face] for place, face in pairs if face is not None}, picked.others


def position_weights(positions: list[int]) -> list[float]:
    """Number of sampled frames that each examined position represents: the search is denser around cuts and misses."""
    edges = [positions[0] - 0.5, *((a + b) / 2 for a, b in pairwise(positions)), positions[-1] + 0.5]
    return [high - low for low, high in pairwise(edges)]


def _mask_scores(detections: Detections, positions: list[int], task: LocateTask) -> list[list[float]] | None:
    """Share of the forgery's mask in each face; None where no mask can be read or none marks anything."""
    wanted = [detections.indices[position] for position in positions]
    scores, marked = [], False
    try:
        masks = read_frames(task.root / task.group.mask_path, wanted, masks=True)
        for position, mask in zip(positions, map(_luma, masks), strict=True):
            marked = marked or bool((mask > 1).any())
            scores.append([mask_overlap(box, mask) for box in detections.found[position]])
    except VideoError as error:
        logger.warning("%s: picking the face by its size, as its mask fails: %s", task.group.name, error)
        return None
    return scores if marked else None


def _luma(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gray values of a mask frame, from 0: limited range starts at 16."""
    luma = planes[: len(planes) * 2 // 3]
    return np.maximum(luma, 16) - np.uint8(16)


def _points(landmarker: Landmarker, frames: Iterator[tuple[int, Any]], track: Track) -> NDArray[np.float64]:
    points = np.full((len(track.frames), 2 * POINTS), np.nan)
    for row, (_, planes) in enumerate(frames):
        if not np.isnan(track.boxes[row, 0]):
            points[row] = landmarker(i420_to_rgb(planes), FaceBox(*track.boxes[row])).ravel()
    return points


def _rows(task: LocateTask, video: str, track: Track, seen: dict[str, int]) -> pa.Table:
    """Rows of one member; `seen` has the counts of the lead."""
    dropped = track.action == DROPPED
    points = None
    if track.points is not None:
        points = [None if lost else row for lost, row in zip(dropped, track.points.astype(np.float32), strict=True)]
    columns: dict[str, Any] = {
        **_names(task, video, track.frames),
        **{corner: pa.array(track.boxes[:, k], pa.float32(), mask=dropped) for k, corner in enumerate(CORNERS)},
        "confidence": track.confidence,
        "detected": track.action == SEEN,
        "landmarks": [None] * len(dropped) if points is None else points,
        "action": track.action.tolist(),
        "reason": track.reason.tolist(),
        **{name: [value] * len(dropped) for name, value in seen.items()},
    }
    return pa.table(columns, schema=GROUP_SCHEMA)


def failed_rows(task: LocateTask, reason: str) -> pa.Table:
    """Rows of a group that could not be read: every frame of every member is dropped."""
    tables = []
    for video, frames in task.group.members.items():
        count = len(frames)
        empty = {name: [None] * count for name in (*CORNERS, "landmarks", "shots", "others")}
        state = {"confidence": np.zeros(count), "detected": [False] * count, "action": [DROPPED] * count}
        columns = {**_names(task, video, frames), **empty, **state, "reason": [reason] * count}
        tables.append(pa.table(columns, schema=GROUP_SCHEMA))
    return pa.concat_tables(tables)


def _names(task: LocateTask, video: str, frames: NDArray[np.integer]) -> dict[str, Any]:
    """The columns that name a row's frame."""
    group, count = task.group, len(frames)
    return {
        "dataset": [task.dataset] * count,
        "target": [group.target] * count,
        "video": [video] * count,
        "quality": [group.quality if group.alone else None] * count,
        "frame": frames,
    }


def write_group(path: Path, table: pa.Table) -> None:
    """Write a group's rows, atomically."""
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, **WRITE_OPTIONS)
