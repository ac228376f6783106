"""Everyone in view of a file, each followed and cut as `locate` and `crop` do; without a detector or torch."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.codec import cut_rgb, resize
from deepfake_adv.extraction.tracking import find_faces, follow, position_weights
from deepfake_adv.faces.box import FaceBox, Square
from deepfake_adv.faces.pick import Person, link_people
from deepfake_adv.faces.track import SEEN, Detections
from deepfake_adv.files import sha256
from deepfake_adv.prediction.media import Limits, Medium, damaged, open_medium
from deepfake_adv.prediction.settings import FaceSettings
from deepfake_adv.video.colour import Frame
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.folder import images
from deepfake_adv.video.picture import is_picture

TOO_SMALL: Final = "too small"
TOO_BRIEF: Final = "too brief"

Watch = Callable[[int, int], None]
"""Told how many frames have been read, and of how many."""


@dataclass(frozen=True, eq=False)
class PersonSeen:
    """One person in one shot.

    Attributes:
        shot: Number of the shot, from 0.
        boxes: The face by absolute index of each sampled frame that has one, in pixels.
        detected: Frames of `boxes` in which the locator found it; the others lie between two of these.
        worth: Its area times the sampled frames that it was found in; the largest is the main person's.
        at_cut: Whether it was in view when a cut ended the shot: the same person may be another track after it.
        left_out: Why it is not scored; empty where it is.
    """

    shot: int
    boxes: dict[int, FaceBox]
    detected: frozenset[int]
    worth: float
    at_cut: bool
    left_out: str


@dataclass(frozen=True, eq=False)
class Seen:
    """What a file shows.

    Attributes:
        medium: The file.
        sha256: Of its content; of a folder, of its images' names and contents.
        shots: Number of shots.
        people: All of them, in order of their first frame.
        crops: ``(N, S, S, 3)`` uint8 RGB at the detector's size: of each person who is scored, the crops of
            all frames of `boxes`, one person after the other.
    """

    medium: Medium
    sha256: str
    shots: int
    people: tuple[PersonSeen, ...]
    crops: NDArray[np.uint8]


def look(
    path: Path,
    settings: FaceSettings,
    image_size: int,
    *,
    one_video: bool = False,
    strict: bool = False,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    watch: Watch | None = None,
) -> Seen:
    """Find, follow and cut everyone in a file.

    The file is read twice, frame by frame: once to find faces, once to cut them. Memory holds a few frames and the
    crops.

    Args:
        path: The file or folder; see `open_medium`.
        settings: How faces are found and cut.
        image_size: Side of the detector's images, pixels.
        one_video: See `open_medium`.
        strict: See `open_medium`.
        limits: See `open_medium`.
        watch: Called for each frame that is read.

    Raises:
        FileNotFoundError: If there is no such file, or a locator's weights are missing.
        ValueError: If it cannot be read or is too large.
    """
    medium = open_medium(path, settings.frames, one_video=one_video, strict=strict, limits=limits)
    while True:
        try:
            shots, people = find_people(medium, settings, watch)
            people, crops = _cut(medium, people, settings, image_size, watch)
            break
        except VideoError as error:
            if strict or medium.damage or path.is_dir() or is_picture(path):
                raise
            following = damaged(path, settings.frames, error, limits)
            if not following.damage and following.frames == medium.frames:
                raise
            medium = following
    return Seen(medium, content_digest(path), shots, people, crops)


def find_people(
    medium: Medium, settings: FaceSettings, watch: Watch | None = None
) -> tuple[int, tuple[PersonSeen, ...]]:
    """The number of shots, and everyone seen; from the detections that `locate` would make.

    Raises:
        VideoError: If a frame cannot be read.
    """
    detections = find_faces(_watched(medium, watch), settings.locate)
    positions = detections.positions()
    candidates = [detections.found[position] for position in positions]
    people = link_people(candidates, detections.shots(positions))
    return len(detections.cuts) + 1, tuple(_follow(one, detections, positions, settings) for one in people)


def _watched(medium: Medium, watch: Watch | None) -> Iterator[tuple[int, Frame]]:
    """The sampled frames; each is read once more to be cut."""
    for done, found in enumerate(medium.read(), start=1):
        yield found
        if watch is not None:
            watch(done, 2 * len(medium.indices))


def _follow(one: Person, detections: Detections, positions: Sequence[int], settings: FaceSettings) -> PersonSeen:
    found = {positions[k]: detections.found[positions[k]][face] for k, face in one.faces.items()}
    track = follow(detections, found, settings.locate)
    stored = track.boxes.astype(np.float32)  # as `locate` writes them
    rows = np.flatnonzero(~np.isnan(stored[:, 0]))
    boxes = {int(track.frames[k]): FaceBox(*map(float, (*stored[k], track.confidence[k]))) for k in rows}
    weights = position_weights(list(positions))
    (shot,) = set(detections.shots([min(found)]))
    last = [*detections.cuts, len(detections.indices)][shot] - 1
    side = float(np.median([box.side for box in boxes.values()]))
    left_out = TOO_BRIEF if len(rows) < min(settings.min_frames, len(detections.indices)) else ""
    left_out = TOO_SMALL if side < settings.min_face else left_out
    return PersonSeen(
        shot=shot,
        boxes=boxes,
        detected=frozenset(int(track.frames[k]) for k in rows if track.action[k] == SEEN),
        worth=sum(weights[k] * detections.found[positions[k]][face].side ** 2 for k, face in one.faces.items()),
        at_cut=bool(rows[-1] == last) and shot < len(detections.cuts),
        left_out=left_out,
    )


def cut_people(
    medium: Medium, people: Sequence[PersonSeen], settings: FaceSettings
) -> Iterator[tuple[int, int, Frame, Square]]:
    """Of every frame with a face to score: the person's number, the frame's index, its planes, and the square to cut.

    A face that lies outside of its frame is passed over, as `crop` does.

    Raises:
        VideoError: If a frame cannot be read.
    """
    chosen = [(number, one.boxes) for number, one in enumerate(people) if not one.left_out]
    wanted = sorted({frame for _, boxes in chosen for frame in boxes})
    for frame, planes in medium.read(wanted) if wanted else ():
        height, width = planes.shape[0] * 2 // 3, planes.shape[1]
        for number, boxes in chosen:
            if frame in boxes:
                try:
                    square = settings.crop.square(boxes[frame], width, height)
                except ValueError:
                    continue
                yield number, frame, planes, square


def _cut(
    medium: Medium, people: Sequence[PersonSeen], settings: FaceSettings, image_size: int, watch: Watch | None
) -> tuple[tuple[PersonSeen, ...], NDArray[np.uint8]]:
    """The people with those of their boxes that could be cut, and the crops."""
    counts = [0 if one.left_out else len(one.boxes) for one in people]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    crops = np.empty((int(starts[-1]), image_size, image_size, 3), np.uint8)
    cut: list[list[int]] = [[] for _ in people]
    for number, frame, planes, square in cut_people(medium, people, settings):
        resize(cut_rgb(planes, square), crops[starts[number] + len(cut[number])])
        cut[number].append(frame)
        if watch is not None:
            place = int(np.searchsorted(medium.indices, frame)) + 1
            watch(len(medium.indices) + place, 2 * len(medium.indices))
    kept = [start + k for start, own in zip(starts.tolist(), cut, strict=False) for k in range(len(own))]
    held = tuple(
        one if one.left_out else replace(one, boxes={frame: one.boxes[frame] for frame in own})
        for one, own in zip(people, cut, strict=True)
    )
    return held, crops if len(kept) == len(crops) else crops[kept]


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and digests of a folder's images."""
    if not path.is_dir():
        return sha256(path)
    digest = hashlib.sha256()
    for image in images(path):
        digest.update(f"{sha256(image)}  {image.name}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class LookTask:
    """One file to look at, in a process of its own; its crops go through a file, not through the pool's queue."""

    path: Path
    settings: FaceSettings
    image_size: int
    crops: Path
    options: dict[str, Any]


def look_into_file(task: LookTask) -> Seen:
    """`look`, the crops written to `task.crops`. A worker runs this."""
    seen = look(task.path, task.settings, task.image_size, **task.options)
    np.save(task.crops, seen.crops)
    return replace(seen, crops=seen.crops[:0])
