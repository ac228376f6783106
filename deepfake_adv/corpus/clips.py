"""The user's own videos as originals: read, trimmed, scaled, faces located; unusable videos are reported by name."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.footage import Prepared
from deepfake_adv.corpus.landmarker import SmallFaceError, track_landmarks
from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.faces.landmarks import predictor_path
from deepfake_adv.files import atomic_write, fingerprint, natural_key
from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.read import probe, read_frames

logger = logging.getLogger(__name__)

FEWEST_FRAMES = 6


@dataclass(frozen=True)
class ClipTask:
    """One of the user's clips: its file, where to store it, and how much of it to use."""

    path: Path
    stored: Path
    frames: int
    max_shorter_side: int


def list_clips(folder: Path | str | None) -> list[Path]:
    """Every file directly in the folder, numbers in names sorted by value; each clip is assumed to show one person.

    Raises:
        ValueError: If no folder is named.
        FileNotFoundError: If it is not a folder.
    """
    if folder is None:
        raise ValueError("folder must name a folder of video clips; got none. Set corpus.folder in params.yaml.")
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"folder must be a folder of video clips; found none at {folder}. Fix corpus.folder in params.yaml."
        )
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return sorted(files, key=natural_key)


def choose(
    files: Sequence[Path],
    needed: int,
    *,
    root: Path,
    frames: int,
    max_shorter_side: int,
    seed: int,
    execution: Mapping[str, Any],
) -> tuple[list[Prepared], list[dict[str, str]]]:
    """Prepare ``needed`` usable clips in an order drawn from ``seed``.

    Args:
        files: The clips.
        needed: Number of clips needed.
        root: Folder for the prepared clips.
        frames: Largest number of frames per clip.
        max_shorter_side: Clips whose width and height are both above this are scaled down, pixels.
        seed: Seed of the order.
        execution: ``workers``, ``engine`` and ``address`` for ``map_tasks``.

    Returns:
        The usable clips, and file and reason of each that had to be skipped.

    Raises:
        ValueError: If there are fewer usable clips than needed; gives the reason for each of the others.
        FileNotFoundError: If the landmark model is not installed.
    """
    predictor_path()  # raised once, before any clip is read
    order = np.random.default_rng([seed, 5]).permutation(len(files))
    tasks = [ClipTask(files[k], root / f"{fingerprint(files[k].name)}.npz", frames, max_shorter_side) for k in order]
    usable: dict[str, Prepared] = {}
    reasons: dict[str, str] = {}
    start = 0
    while len(usable) < needed and start < len(tasks):
        batch = tasks[start : start + needed - len(usable)]
        start += len(batch)
        for outcome in map_tasks(prepare, batch, desc="clips", unit="clips", **execution):
            name = outcome.task.path.name
            if outcome.error is None:
                usable[name] = Prepared(outcome.task.stored, name)
            else:
                reasons[name] = outcome.error
                logger.warning("%s is skipped: %s", name, outcome.error)
    skipped = [{"file": name, "reason": reasons[name]} for name in sorted(reasons)]
    if len(usable) < needed:
        listed = "; ".join(f"{entry['file']}: {entry['reason']}" for entry in skipped) or "no file was skipped"
        raise ValueError(
            f"corpus.pairs must need no more clips than are usable; got {needed} clips needed and {len(usable)} "
            f"usable of {len(files)} ({listed}). Lower corpus.pairs in params.yaml or add clips."
        )
    if start < len(tasks):
        logger.info("%d clips are not needed for these pairs", len(tasks) - start)
    return [usable[task.path.name] for task in tasks if task.path.name in usable], skipped


def prepare(task: ClipTask) -> str:
    """Read a clip, locate its face, and store both, unless an earlier run did so.

    Raises:
        ValueError: If the clip is not usable; the message is one phrase.
    """
    if not task.stored.exists():
        frames, fps = read_clip(task.path, frames=task.frames, max_shorter_side=task.max_shorter_side)
        try:
            points = track_landmarks(frames)
        except SmallFaceError as error:
            raise ValueError(f"{error}. {_remedy(task, error.share)}") from None
        stack = np.stack([rgb_to_i420(frame) for frame in frames])
        with atomic_write(task.stored) as temporary:
            np.savez(temporary, frames=stack, points=points, fps=np.float64(fps))
    return str(task.stored)


def _remedy(task: ClipTask, share: float) -> str:
    """What to do about a face whose width is `share` of the required width."""
    facts = probe(task.path)
    needed = math.ceil(min(task.max_shorter_side, facts.width, facts.height) / share)
    if needed <= min(facts.width, facts.height):
        return f"Raise corpus.max_shorter_side to {needed} or more in params.yaml"
    return "Cut the clip to the face, or leave it out"


def read_clip(path: Path, *, frames: int, max_shorter_side: int) -> tuple[list[NDArray[np.uint8]], float]:
    """The first frames of a video, upright, of even size, the shorter side no longer than ``max_shorter_side``.

    Args:
        path: Any video that FFmpeg reads; sound is ignored.
        frames: How many frames to take at most.
        max_shorter_side: Pictures whose width and height are both above this are scaled down to it, pixels.

    Returns:
        RGB frames ``(H, W, 3)`` uint8 and the mean frames per second.

    Raises:
        ValueError: If it is too short.
        VideoError: If it is not a video, is cut short, or its frame size changes.
    """
    facts = probe(path)
    if facts.frames < FEWEST_FRAMES:
        raise ValueError(f"it has {facts.frames} frames; at least {FEWEST_FRAMES} are needed")
    taken = [
        _fit(i420_to_rgb(frame), max_shorter_side) for frame in read_frames(path, range(min(facts.frames, frames)))
    ]
    return taken, facts.fps if 1 <= facts.fps <= 240 else 25.0


def _fit(picture: NDArray[np.uint8], max_shorter_side: int) -> NDArray[np.uint8]:
    """Scale the shorter side down to ``max_shorter_side`` and trim to an even size."""
    height, width = picture.shape[:2]
    if min(height, width) > max_shorter_side:
        share = max_shorter_side / min(height, width)
        size = (round(width * share), round(height * share))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[: height - height % 2, : width - width % 2])
