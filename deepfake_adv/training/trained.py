"""Trained detectors, loaded from the folder of a finished run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import read_json_object
from deepfake_adv.params.entries import entry_faults
from deepfake_adv.training.checkpoint import WEIGHTS, load_weights


@dataclass(frozen=True, eq=False)
class Trained:
    """One trained detector.

    Attributes:
        detector: In eval mode.
        condition: Training condition, e.g. NT_c23.
        seed: Training seed.
        image_size: Side of its training images, pixels.
        folder: Its folder.
        record: What its run.json says; empty for a detector that has none.
    """

    detector: Detector
    condition: str
    seed: int
    image_size: int
    folder: Path
    record: Mapping[str, Any] = field(default_factory=dict)


def load_trained(folder: Path | str, device: torch.device | str = "cpu", *, channels_last: bool = False) -> Trained:
    """Build a detector from its run.json and load its weights.

    Args:
        folder: <run>/<condition>/seed<k>.
        device: Target device.
        channels_last: Its memory format.

    Raises:
        FileNotFoundError: If run.json or the weights are missing.
        ValueError: If one of them is damaged, they do not match, or the weights are not those that run.json records.
    """
    record_path = Path(folder) / "run.json"
    if not record_path.exists():
        raise FileNotFoundError(
            f"a trained detector must have run.json beside its weights; found none in {folder}. "
            "Name a folder <run>/<condition>/seed<k> that a finished run left."
        )
    kinds = {"params": dict, "condition": str, "seed": int, "image_size": int, "files": dict}
    record = read_json_object(record_path, kinds)
    entry = record["params"].get("detector")
    if not isinstance(entry, dict) or "name" not in entry:
        raise ValueError(
            f"{record_path} must name its detector at params.detector; got {entry!r}. "
            "Train the run again by `dvc repro`."
        )
    arguments = detector_arguments(entry, record["image_size"], pretrained=False)
    if faults := entry_faults("detector", arguments, "params", "detector"):
        raise ValueError(
            f"{record_path} must name a detector that this version builds; got {entry!r} ({' '.join(faults)}). Take "
            "the version and the plug-ins that trained it, or train the run again by `dvc repro`."
        )
    detector = build_detector(**arguments)
    load_weights(Path(folder) / WEIGHTS, detector, digest=str(record["files"].get(WEIGHTS)))
    detector.to(device).eval()
    if channels_last:
        detector.to(memory_format=torch.channels_last)
    seed, image_size = int(record["seed"]), int(record["image_size"])
    return Trained(detector, record["condition"], seed, image_size, Path(folder), record)


def detector_arguments(entry: Mapping[str, Any], image_size: int, *, pretrained: bool = True) -> dict[str, Any]:
    """A detector's entry with the image size filled in, for `build_detector`; also in a nested frame detector.

    Args:
        entry: Of `detectors` in params.yaml.
        image_size: Side of the images, pixels.
        pretrained: Whether weights that the entry asks for are loaded; its own may follow.
    """
    arguments = {**entry, "image_size": image_size}
    if not pretrained and "pretrained" in arguments:
        arguments |= {"pretrained": False, "weights": None} if "weights" in arguments else {"pretrained": False}
    if isinstance(arguments.get("frame"), Mapping):
        arguments["frame"] = detector_arguments(arguments["frame"], image_size, pretrained=pretrained)
    return arguments


def trained_folders(run: Path) -> list[Path]:
    """Folders of a run's detectors, sorted by name.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = sorted(path.parent for path in Path(run).glob("*/seed*/run.json"))
    if not found:
        raise FileNotFoundError(
            f"run must hold trained detectors; found none in {run}. Run `dvc repro train@{Path(run).name}`."
        )
    return found
