"""Trained detectors, loaded from the folder of a finished run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import read_json_object
from deepfake_adv.inputs import EXPORTED
from deepfake_adv.params.entries import entry_faults
from deepfake_adv.training.checkpoint import WEIGHTS, load_weights

RECORD: Final = "run.json"
CONFIG: Final = "config.json"
"""Of an exported detector; its key `record` is what run.json held."""


@dataclass(frozen=True, eq=False)
class Trained:
    """One trained detector.

    Attributes:
        detector: In eval mode.
        condition: Training condition, e.g. NT_c23.
        seed: Training seed.
        image_size: Side of its training images, pixels.
        folder: Its folder; of one that was exported, the folder with model.safetensors.
        record: What its run.json says; empty for a detector that has none.
    """

    detector: Detector
    condition: str
    seed: int
    image_size: int
    folder: Path
    record: Mapping[str, Any] = field(default_factory=dict)


def load_trained(folder: Path | str, device: torch.device | str = "cpu", *, channels_last: bool = False) -> Trained:
    """Build a detector from its run.json, or from the config.json of an export, and load its weights.

    Args:
        folder: <run>/<condition>/seed<k>, or a folder that `deepfake-adv export --format hub` wrote.
        device: Target device.
        channels_last: Its memory format.

    Raises:
        FileNotFoundError: If run.json or the weights are missing.
        ValueError: If one of them is damaged, they do not match, or the weights are not those that run.json records.
    """
    record_path, record, weights = read_trained(Path(folder))
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
    load_weights(weights, detector, digest=str(record["files"].get(WEIGHTS)))
    detector.to(device).eval()
    if channels_last:
        detector.to(memory_format=torch.channels_last)
    seed, image_size = int(record["seed"]), int(record["image_size"])
    return Trained(detector, record["condition"], seed, image_size, Path(folder), record)


def read_trained(folder: Path) -> tuple[Path, dict[str, Any], Path]:
    """What is known of a trained detector: the file that says it, its content, and the file of weights.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged.
    """
    kinds = {"params": dict, "condition": str, "seed": int, "image_size": int, "files": dict}
    path = folder / RECORD
    if path.exists():
        return path, read_json_object(path, kinds), folder / WEIGHTS
    path = folder / CONFIG
    if not path.exists():
        raise FileNotFoundError(
            f"a trained detector must have {RECORD} beside its weights; found none in {folder}. "
            "Name a folder <run>/<condition>/seed<k> that a finished run left, or one by `export --format hub`. "
            "From a model hub nothing is downloaded: do that first, as by `hf download NAME --local-dir FOLDER`."
        )
    record = read_json_object(path, {"record": dict})["record"]
    if wrong := [name for name, kind in kinds.items() if not isinstance(record.get(name), kind)]:
        raise ValueError(
            f"{path} must hold the record of a run of this software; got none with {', '.join(wrong)}. "
            "Export the run again."
        )
    return path, record, folder / EXPORTED


def detector_arguments(entry: Mapping[str, Any], image_size: int, *, pretrained: bool = True) -> dict[str, Any]:
    """A detector's entry with the image size filled in, for `build_detector`; also in a nested frame detector.

    Args:
        entry: Of `detectors` in params.yaml.
        image_size: Side of the images, pixels.
        pretrained: Whether weights that the entry asks for are loaded; its own may follow.
    """
    arguments = {**entry, "image_size": image_size}
    if not pretrained:
        arguments |= {key: value for key, value in (("pretrained", False), ("weights", None)) if key in arguments}
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
