"""Trained runs that a study compares; all errors are reported before anything is computed."""

from collections.abc import Mapping
from pathlib import Path

import torch

from deepfake_adv.training.trained import Trained, load_trained


def load_runs(folders: Mapping[str, Path], device: torch.device | str = "cpu", *, key: str) -> dict[str, Trained]:
    """Load a detector of each run; all take single frames of one size.

    Args:
        folders: Name of a run to its <run>/<condition>/seed<k>.
        device: Where to.
        key: Of params.yaml that names the runs, for messages.

    Raises:
        ValueError: If any cannot be loaded, which names all of them; if one is of clips, or their sizes differ.
    """
    loaded: dict[str, Trained] = {}
    faults: list[str] = []
    for run, folder in folders.items():
        try:
            loaded[run] = load_trained(folder, device)
        except (FileNotFoundError, ValueError) as error:
            faults.append(str(error))
    if faults:
        said = "\n".join(f"  - {fault}" for fault in faults)
        raise ValueError(f"{key} must name finished runs; got {len(faults)} of {len(folders)} without:\n{said}")
    clips = [run for run, found in loaded.items() if found.detector.clip_length > 1]
    if clips:
        raise ValueError(f"{key} must name runs of detectors of single frames; got {', '.join(clips)}. Name others.")
    sizes = {run: found.image_size for run, found in loaded.items()}
    if len(set(sizes.values())) > 1:
        got = ", ".join(f"{size} px ({run})" for run, size in sizes.items())
        raise ValueError(f"{key} must share one image size; got {got}. Compare them apart.")
    return loaded
