"""What a part's videos are as files: made by whom, how coded and how large; `predict` compares new files with it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.files import read_json

_CORPUS: Final = "corpus.json"  # what the stage `corpus` leaves in its folder
_ENDS: Final = (0, 50, 100)  # percentiles


def describe_media(root: Path, sampled: Iterable[tuple[VideoRow, Mapping[str, Any]]]) -> dict[str, Any]:
    """Facts of the videos that frames were sampled from.

    Args:
        root: The dataset's folder.
        sampled: Each video's row, and what `extract_video` wrote of it.

    Returns:
        ``origin``: "procedural" (rendered faces) or "clips" (forged from a user's clips) where this software made them,
        else empty. ``codecs``: videos by codec, or by suffix of pictures. ``bits_per_pixel`` of a frame as it is coded,
        and ``frame_px``, shorter side of a frame: least, median and most over videos.
    """
    rows = list(sampled)
    codecs = Counter(str(frames["codec"]) for _, frames in rows)
    found: dict[str, Any] = {"origin": origin(root), "codecs": dict(sorted(codecs.items()))}
    if rows:
        bits = [bits_per_pixel(row.bytes, row.frames, row.width, row.height) for row, _ in rows]
        sides = [min(row.width, row.height) for row, _ in rows]
        found["bits_per_pixel"] = [float(f"{value:.3g}") for value in np.percentile(bits, _ENDS)]
        found["frame_px"] = [int(value) for value in np.percentile(sides, _ENDS)]
    return found


def bits_per_pixel(size: int, frames: int, width: int, height: int) -> float:
    """Bits that a file takes per pixel of its frames, sound included."""
    return 8 * size / max(frames * width * height, 1)


def origin(root: Path) -> str:
    """What corpus.json beside or above a dataset says made it; empty where there is none."""
    for folder in (root, root.parent):
        if (folder / _CORPUS).is_file():
            content = read_json(folder / _CORPUS)
            made = content.get("source") if isinstance(content, dict) and "originals" in content else None
            return str(made or "")
    return ""
