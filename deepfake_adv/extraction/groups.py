"""Which videos share a face track: a target, its forgeries and all their qualities, or each video has its own."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.datasets.videos import VideoRow, read_rows
from deepfake_adv.extraction.frames import TABLE, FrameStore, VideoFrames
from deepfake_adv.names import REAL, Forgery, Quality

# The middle quality first: faces are located as well as in raw, and it decodes faster.
_PREFERRED: Final = (Quality.C23, Quality.NATIVE, Quality.RAW, Quality.C40)

# Some scenes of DFD show two people of whom one is forged: only the mask of each fake shows which one.
_OWN_TRACK: Final = frozenset({Forgery.DFD})


@dataclass(frozen=True, eq=False)
class Group:
    """Videos that take their boxes from one of them, the lead.

    Attributes:
        lead: Video id of the lead.
        target: Name of the video whose head they all show.
        quality: Quality in which the lead is searched.
        end: Number of frames of the lead.
        mask_path: Of the lead's own forgery mask, relative to the dataset's root; empty for none.
        members: Per video id the absolute indices of all frames requested in any quality.
        fingerprint: Of the lead's file.
        frames: Of the lead, in `quality`.
        alone: Whether the boxes are for `quality` only, not for all qualities.
    """

    lead: str
    target: str
    quality: str
    end: int
    mask_path: str
    members: Mapping[str, NDArray[np.integer]]
    fingerprint: str
    frames: VideoFrames
    alone: bool = False

    @property
    def name(self) -> str:
        """Its name in messages and files, unique in a dataset."""
        return f"{self.lead} at {self.quality}" if self.alone else self.lead

    def digest(self) -> str:
        """Hex digest of everything that decides the group's boxes, in addition to the parameters."""
        digest = hashlib.sha256(f"{self.lead} {self.quality} {self.end} {self.fingerprint} {self.mask_path}".encode())
        for video, frames in self.members.items():
            digest.update(video.encode() + frames.astype(np.int64).tobytes())
        return digest.hexdigest()


def plan_groups(frames: Path, inventory: Path, *, root: Path, shared: bool) -> list[Group]:
    """Group the sampled videos of a dataset.

    Args:
        frames: Folder of ``<quality>/frames.parquet``.
        inventory: Folder of ``<quality>.csv``.
        root: The dataset's folder.
        shared: Whether a forgery takes its target's boxes, where the target itself was sampled, and all
            qualities take those of one; otherwise every video of every quality is a group of its own.

    Returns:
        Groups in order of their leads.

    Raises:
        FileNotFoundError: If there is no frame table, or an inventory is missing.
        ValueError: If a sampled video is not in the inventory.
    """
    stores = {path.parent.name: FrameStore(path.parent, root) for path in sorted(Path(frames).glob(f"*/{TABLE}"))}
    if not stores:
        raise FileNotFoundError(f"frame tables must be in {frames}/<quality>; found none. Run `dvc repro extract`.")
    asked = {quality: store.indices for quality, store in stores.items()}
    rows = {quality: {row.video: row for row in read_rows(Path(inventory) / f"{quality}.csv")} for quality in stores}
    if not shared:
        every = sorted((video, quality) for quality, table in asked.items() for video in table)
        alone = []
        for video, quality in every:
            row, own = _row(rows[quality], video, inventory), {video: asked[quality][video]}
            alone.append(_group(row, stores[quality], quality, own, alone=True))
        return alone
    best = {video: quality for quality in reversed(_ordered(stores)) for video in asked[quality]}
    groups: dict[str, list[str]] = defaultdict(list)
    for video in sorted(best):
        row = _row(rows[best[video]], video, inventory)
        target = f"{REAL}/{row.target}"
        groups[target if row.forgery not in _OWN_TRACK and target in best else video].append(video)
    plan = []
    for lead, members in sorted(groups.items()):
        union = {
            video: np.unique(np.concatenate([table[video] for table in asked.values() if video in table]))
            for video in members
        }
        plan.append(_group(rows[best[lead]][lead], stores[best[lead]], best[lead], union))
    return plan


def _group(
    row: VideoRow, store: FrameStore, quality: str, members: Mapping[str, NDArray[np.integer]], *, alone: bool = False
) -> Group:
    return Group(
        row.video, row.target, quality, row.frames, row.mask_path, members, row.fingerprint, store.of(row.video), alone
    )


def _ordered(qualities: Mapping[str, Any]) -> list[str]:
    known = [str(quality) for quality in _PREFERRED if quality in qualities]
    return known + sorted(set(qualities) - set(known))


def _row(rows: Mapping[str, VideoRow], video: str, inventory: Path) -> VideoRow:
    if video not in rows:
        raise ValueError(
            f"{video} must be in the inventory {inventory}; got it in the frame table only. Run `dvc repro extract`."
        )
    return rows[video]
