"""File paths of a corpus, relative to its root: FaceForensics++'s layout, DFD within it, Celeb-DF's beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deepfake_adv.names import FF_FOLDERS, Forgery, Quality

# libx264's rate factor per quality, as FaceForensics++ names them; 0 is lossless.
CRF: Final[dict[Quality, int]] = {Quality.RAW: 0, Quality.C23: 23, Quality.C40: 40}

SUMMARY: Final = Path("corpus.json")
CELEBDF: Final = Path("Celeb-DF-v2")
CELEBDF_LIST: Final = CELEBDF / "List_of_testing_videos.txt"


def original_path(quality: Quality, name: str) -> Path:
    """An original, by its three-digit name."""
    return Path("original_sequences", "youtube", quality, "videos", f"{name}.mp4")


def forged_path(forgery: Forgery, quality: Quality, target: str, source: str) -> Path:
    """A forgery of ``target`` with the face or expression of ``source``."""
    return Path("manipulated_sequences", FF_FOLDERS[forgery], quality, "videos", f"{target}_{source}.mp4")


def mask_path(forgery: Forgery, target: str, source: str) -> Path:
    """The mask video of a forgery, one for all qualities."""
    return Path("manipulated_sequences", FF_FOLDERS[forgery], "masks", "videos", f"{target}_{source}.mp4")


def landmarks_path(name: str) -> Path:
    """Landmarks of an original: array ``points`` ``(N, 68, 2)``."""
    return Path("landmarks", f"{name}.npz")


def split_path(split: str) -> Path:
    """The pairs of a split."""
    return Path("splits", f"{split}.json")


def acted_path(quality: Quality, actor: str, scene: str) -> Path:
    """An actor's original in a scene, as DFD has it."""
    return Path("original_sequences", "actors", quality, "videos", f"{actor}__{scene}.mp4")


def acted_fake_path(quality: Quality, name: str) -> Path:
    """A fake as DFD has it, by its name."""
    return Path("manipulated_sequences", "DeepFakeDetection", quality, "videos", f"{name}.mp4")


def acted_mask_path(name: str) -> Path:
    """The mask video of a fake as DFD has it."""
    return Path("manipulated_sequences", "DeepFakeDetection", "masks", "videos", f"{name}.mp4")
