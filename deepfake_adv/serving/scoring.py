"""What the worker's process does: loads the detector once, then makes a row and a page of each uploaded file."""

import logging
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepfake_adv.prediction.batch import BatchOptions, predict_all, provenance
from deepfake_adv.prediction.media import Limits
from deepfake_adv.prediction.output import SCORED
from deepfake_adv.prediction.page import file_entries, render
from deepfake_adv.prediction.settings import FaceSettings, face_settings
from deepfake_adv.serving.tasks import PROGRESS
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.trained import Trained, load_trained


@dataclass(frozen=True)
class _Loaded:
    trained: Trained
    settings: FaceSettings
    options: BatchOptions


_loaded: list[_Loaded] = []


def load(
    detector: Path, accelerator: str, settings: Mapping[str, Any], largest: tuple[int, int] | None
) -> dict[str, Any]:
    """Load the detector in the worker's process.

    Args:
        detector: Folder of a trained detector.
        accelerator: auto, cpu or cuda.
        settings: Arguments of `face_settings`.
        largest: Number of frames and of pixels that a file may have; None for the defaults.

    Returns:
        What decides its scores; see `provenance`.

    Raises:
        FileNotFoundError: If the detector is missing.
        ValueError: If it is damaged, or a setting is out of range.
    """
    logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    trained = load_trained(detector, choose_device(accelerator))
    chosen = face_settings(trained.record, **settings)
    options = BatchOptions(limits=Limits(*largest) if largest else Limits())
    _loaded[:] = [_Loaded(trained, chosen, options)]
    return provenance(trained, chosen, options)


def score_upload(path: Path, name: str) -> dict[str, Any]:
    """Score one uploaded file and draw its page.

    Args:
        path: Where it is, in a folder of its own; whatever is written on the way is written there.
        name: What its owner calls it; stands for its path in all that is said.

    Returns:
        `row`, as of `predict_all`, and `page`, the HTML; empty where there is no score.

    Raises:
        OSError: If the disk is full.
    """
    (loaded,) = _loaded
    tempfile.tempdir = str(path.parent)
    progress = path.parent / PROGRESS

    def watch(done: int, total: int) -> None:
        progress.write_text(f"{done} {total}")

    options = replace(loaded.options, watch=watch, workers=1, quiet=True)
    (row,) = predict_all([path], loaded.trained, loaded.settings, options=options)
    row = renamed(row, str(path), name)
    if row["status"] != SCORED:
        return {"row": row, "page": ""}
    entries = list(file_entries([row], loaded.trained, loaded.settings, places={name: path}))
    return {"row": row, "page": render(entries, [], [row], title="Deepfake forensics")}


def renamed(value: Any, path: str, name: str) -> Any:
    """A row in whose texts the file has its owner's name."""
    if isinstance(value, str):
        return value.replace(path, name)
    if isinstance(value, list):
        return [renamed(one, path, name) for one in value]
    if isinstance(value, dict):
        return {key: renamed(one, path, name) for key, one in value.items()}
    return value
