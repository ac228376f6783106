"""The Celeb-DF-like set: celebrities whose faces are swapped, and other people, in Celeb-DF's own layout.

One quality of its own, no masks, and a list of test videos in which 1 means real. No other part
uses its people or its forgery (`celebrity_swap`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deepfake_adv.corpus.footage import Rendered
from deepfake_adv.corpus.forge.celebdf import celebrity_swap
from deepfake_adv.corpus.forging import forge_clip
from deepfake_adv.corpus.layout import CELEBDF, CELEBDF_LIST
from deepfake_adv.files import read_json, write_json, write_text
from deepfake_adv.video.encode import write_h264

_CRF: Final = 23
_FIRST: Final = 2_000_000  # numbers of the first celebrity and of the first other person among all identities of a seed
_FIRST_OTHER: Final = 3_000_000


@dataclass(frozen=True)
class CelebritiesTask:
    """Two celebrities whose faces are swapped, and one more person: output folder, number, clips."""

    root: Path
    number: int
    takes: tuple[Rendered, Rendered, Rendered]

    @property
    def videos(self) -> dict[str, tuple[int, ...]]:
        """Path below the set's folder to the takes that a video is made from: its own, or target and source."""
        one, two = (f"id{2 * self.number + k}" for k in (0, 1))
        return {
            f"Celeb-real/{one}_0000.mp4": (0,),
            f"Celeb-real/{two}_0000.mp4": (1,),
            f"YouTube-real/{self.number:05d}.mp4": (2,),
            f"Celeb-synthesis/{one}_{two}_0000.mp4": (0, 1),
            f"Celeb-synthesis/{two}_{one}_0000.mp4": (1, 0),
        }

    @property
    def name(self) -> str:
        """The name in messages."""
        return f"id{2 * self.number}_id{2 * self.number + 1}"

    @property
    def marker(self) -> Path:
        """File that exists once the pair is complete."""
        return self.root / ".done" / "celebdf" / f"{self.name}.json"


def plan_celebrities(root: Path, pairs: int, *, seed: int, frames: int, size: int, fps: float) -> list[CelebritiesTask]:
    """The tasks of `pairs` pairs of celebrities; arguments as of `plan_actors`."""
    clip: dict[str, Any] = {"seed": seed, "frames": frames, "size": size, "fps": fps}
    tasks = []
    for pair in range(pairs):
        people = (_FIRST + 2 * pair, _FIRST + 2 * pair + 1, _FIRST_OTHER + pair)
        one, two, other = (Rendered(identity=identity, **clip) for identity in people)
        tasks.append(CelebritiesTask(root, pair, (one, two, other)))
    return tasks


def make_celebrities(task: CelebritiesTask) -> dict[str, Any]:
    """Write a pair's three originals and two fakes, unless an earlier run finished it.

    Returns:
        Path to description of each original, for corpus.json.
    """
    if task.marker.exists():
        described: dict[str, Any] = read_json(task.marker)
        return described
    clips = [take.load() for take in task.takes]
    description = {}
    for path, (target, *source) in task.videos.items():
        clip = clips[target]
        frames = forge_clip(celebrity_swap, clip, clips[source[0]])[0] if source else clip.frames
        write_h264(task.root / CELEBDF / path, frames, crf=_CRF, fps=clip.fps)
        if not source:
            description[path] = task.takes[target].describe()
    write_json(task.marker, description)
    return description


def write_list(root: Path, tasks: Sequence[CelebritiesTask]) -> None:
    """List_of_testing_videos.txt: every video, ``1`` for real and ``0`` for fake."""
    videos = sorted((path, takes) for task in tasks for path, takes in task.videos.items())
    lines = [f"{int(len(takes) == 1)} {path}\n" for path, takes in videos]
    write_text(root / CELEBDF_LIST, "".join(lines))
