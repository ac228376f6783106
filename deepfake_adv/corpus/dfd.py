"""The DFD-like set: actors in scenes, with each other's faces, in FaceForensics++'s folders.

As in DeepFakeDetection some scenes show two people, of whom one is forged; only the mask shows which. All of it
is test data. The FaceForensics++-like part uses none of its people, its forgery (`actor_swap`) or its wide frames.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deepfake_adv.corpus.footage import Rendered, Staging
from deepfake_adv.corpus.forge.dfd import actor_swap
from deepfake_adv.corpus.forging import forge_clip
from deepfake_adv.corpus.layout import CRF, acted_fake_path, acted_mask_path, acted_path
from deepfake_adv.corpus.render.take import Place
from deepfake_adv.files import read_json, write_json
from deepfake_adv.names import Quality
from deepfake_adv.video.encode import write_h264

# One tier more than the paper's profile uses (c23).
QUALITIES: Final = (Quality.C23, Quality.C40)

_FIRST: Final = 1_000_000  # number of the first actor among all identities of a seed
_WIDE: Final = 1.5  # width of a frame with two people over its height

_ALONE: Final = (
    "exit_phone_room", "kitchen_pan", "outside_talking_still_laughing", "podium_speech_happy", "talking_against_wall",
    "talking_angry_couch", "walk_down_hall_angry", "walking_outside_cafe_disgusted",
)  # fmt: skip
_TOGETHER: Final = (
    ("hugging_happy", -0.21, 0.95, 1.0),
    ("secret_conversation", 0.21, 1.0, 0.92),
    ("meeting_serious", 0.22, 0.9, 1.03),
    ("walking_and_outside_surprised", -0.22, 1.02, 0.9),
)
"""Name of a scene, where the actor stands (the other at the opposite place), sizes of actor and other."""


@dataclass(frozen=True)
class ActorsTask:
    """Two actors whose faces are swapped: output folder, names, and each one's scenes, the one alone first."""

    root: Path
    names: tuple[str, str]
    takes: tuple[dict[str, Rendered], dict[str, Rendered]]

    @property
    def name(self) -> str:
        """The name in messages."""
        return "_".join(self.names)

    @property
    def marker(self) -> Path:
        """File that exists once the pair is complete."""
        return self.root / ".done" / "dfd" / f"{self.name}.json"


def plan_actors(root: Path, pairs: int, *, seed: int, frames: int, size: int, fps: float) -> list[ActorsTask]:
    """The tasks of `pairs` pairs of actors, each of whom acts in two scenes: one alone, one with somebody else.

    Args:
        root: Folder of the corpus.
        pairs: Number of pairs.
        seed: Seed of the corpus.
        frames: Largest number of frames per clip.
        size: Height of a frame, pixels; its width where one person is in view.
        fps: Frames per second.
    """
    count = 2 * pairs
    scenes = []
    for actor in range(count):
        clip: dict[str, Any] = {"seed": seed, "identity": _FIRST + actor, "frames": frames, "size": size, "fps": fps}
        name, x, own, other = _TOGETHER[actor % len(_TOGETHER)]
        places = Place(x, own / _WIDE), Place(-x, other / _WIDE)
        beside = (_FIRST + (actor + 2) % count if pairs > 1 else _FIRST + count,)
        together = Staging(_WIDE, places[0], tuple(zip(beside, places[1:], strict=True)))
        scenes.append(
            {
                _ALONE[actor % len(_ALONE)]: Rendered(**clip, number=1),
                name: Rendered(**clip, number=2, staging=together),
            }
        )
    names = [f"{actor + 1:02d}" for actor in range(count)]
    return [ActorsTask(root, (names[k], names[k + 1]), (scenes[k], scenes[k + 1])) for k in range(0, count, 2)]


def make_actors(task: ActorsTask) -> dict[str, Any]:
    """Write a pair's four originals and four fakes, unless an earlier run finished it.

    Returns:
        Name to description of each original, for corpus.json.
    """
    if task.marker.exists():
        described: dict[str, Any] = read_json(task.marker)
        return described
    description = {}
    clips = [{scene: take.load() for scene, take in takes.items()} for takes in task.takes]
    for actor, (name, other) in enumerate((task.names, task.names[::-1])):
        donor = next(iter(clips[1 - actor].values()))
        for scene, clip in clips[actor].items():
            for quality in QUALITIES:
                write_h264(task.root / acted_path(quality, name, scene), clip.frames, crf=CRF[quality], fps=clip.fps)
            frames, masks = forge_clip(actor_swap, clip, donor)
            fake = _fake(name, other, scene)
            for quality in QUALITIES:
                write_h264(task.root / acted_fake_path(quality, fake), frames, crf=CRF[quality], fps=clip.fps)
            write_h264(task.root / acted_mask_path(fake), masks, crf=0, fps=clip.fps, gray=True)
            description[f"{name}__{scene}"] = task.takes[actor][scene].describe()
    write_json(task.marker, description)
    return description


def _fake(target: str, source: str, scene: str) -> str:
    """<target>_<source>__<scene>__<8 characters>."""
    name = f"{target}_{source}__{scene}"
    return f"{name}__{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
