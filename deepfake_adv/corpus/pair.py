"""One pair of identities: two originals and their eight forgeries, in every quality, with masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_adv.corpus.footage import Footage, Source
from deepfake_adv.corpus.forge.blending import keep_outside
from deepfake_adv.corpus.forge.registry import FORGERIES
from deepfake_adv.corpus.layout import CRF, forged_path, landmarks_path, mask_path, original_path
from deepfake_adv.files import atomic_write, read_json, write_json
from deepfake_adv.names import Forgery
from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.encode import write_h264


@dataclass(frozen=True)
class PairTask:
    """What a worker needs to make a pair: where to, the two names, and their sources."""

    root: Path
    names: tuple[str, str]
    sources: tuple[Source, Source]

    @property
    def marker(self) -> Path:
        """Exists once the pair is whole."""
        return self.root / ".done" / f"{self.names[0]}_{self.names[1]}.json"


def make_pair(task: PairTask) -> dict[str, Any]:
    """Write a pair's files, unless an earlier run finished it.

    Returns:
        Name to description of each of the two originals, for corpus.json.
    """
    if task.marker.exists():
        described: dict[str, Any] = read_json(task.marker)
        return described
    footage = [source.load() for source in task.sources]
    for name, clip in zip(task.names, footage, strict=True):
        for quality, crf in CRF.items():
            write_h264(task.root / original_path(quality, name), clip.frames, crf=crf, fps=clip.fps)
        with atomic_write(task.root / landmarks_path(name)) as temporary:
            np.savez_compressed(temporary, points=clip.points.astype(np.float32))
    for target, donor in ((0, 1), (1, 0)):
        _forge(task, footage[target], footage[donor], task.names[target], task.names[donor])
    description = {name: source.describe() for name, source in zip(task.names, task.sources, strict=True)}
    write_json(task.marker, description)
    return description


def _forge(task: PairTask, target: Footage, donor: Footage, name: str, donor_name: str) -> None:
    pictures = [[i420_to_rgb(frame) for frame in clip.frames] for clip in (target, donor)]
    points = [clip.points.astype(np.float64) for clip in (target, donor)]
    for forgery, forge in FORGERIES.items():
        made = forge(pictures[0], points[0], pictures[1], points[1])
        frames = [
            keep_outside(rgb_to_i420(picture), original, mask)
            for picture, original, mask in zip(made.frames, target.frames, made.masks, strict=False)
        ]
        for quality, crf in CRF.items():
            write_h264(
                task.root / forged_path(Forgery(forgery), quality, name, donor_name), frames, crf=crf, fps=target.fps
            )
        write_h264(task.root / mask_path(forgery, name, donor_name), made.masks, crf=0, fps=target.fps, gray=True)
