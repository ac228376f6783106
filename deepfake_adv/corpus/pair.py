"""One pair of identities: two originals and their eight forgeries, in every quality, with masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_adv.corpus.footage import Footage, Source
from deepfake_adv.corpus.forge.registry import FORGERIES
from deepfake_adv.corpus.forging import forge_clip
from deepfake_adv.corpus.layout import CRF, forged_path, landmarks_path, mask_path, original_path
from deepfake_adv.files import atomic_write, read_json, write_json
from deepfake_adv.names import Forgery
from deepfake_adv.video.encode import write_h264


@dataclass(frozen=True)
class PairTask:
    """What a worker needs to make a pair: the output folder, the two names, and their sources."""

    root: Path
    names: tuple[str, str]
    sources: tuple[Source, Source]

    @property
    def name(self) -> str:
        """The name in messages."""
        return "_".join(self.names)

    @property
    def marker(self) -> Path:
        """File that exists once the pair is complete."""
        return self.root / ".done" / f"{self.name}.json"


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
    for forgery, forge in FORGERIES.items():
        frames, masks = forge_clip(forge, target, donor)
        for quality, crf in CRF.items():
            write_h264(
                task.root / forged_path(Forgery(forgery), quality, name, donor_name), frames, crf=crf, fps=target.fps
            )
        write_h264(task.root / mask_path(forgery, name, donor_name), masks, crf=0, fps=target.fps, gray=True)
