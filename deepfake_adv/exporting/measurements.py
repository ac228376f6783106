"""What was measured of a trained detector: the entries of its run's evaluation that are of these very weights."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deepfake_adv.files import read_json_object
from deepfake_adv.training.checkpoint import WEIGHTS
from deepfake_adv.training.trained import Trained

logger = logging.getLogger(__name__)

_DEPTH: Final = 5  # data/runs/<run>/<condition>/seed<k>


@dataclass(frozen=True)
class Measurements:
    """The results of a detector.

    Attributes:
        path: The evaluation file.
        results: Entries of its test conditions, the training condition first.
        settings: How intervals were made.
    """

    path: Path
    results: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]


def find_measurements(trained: Trained, evaluation: Path | None) -> Measurements | None:
    """Read the run's evaluation.

    Args:
        trained: The detector.
        evaluation: The file; None: reports/evaluation/<run>.json of the project that the folder is in.

    Returns:
        None where no file is named and none is found, or the one that is found is of other weights.

    Raises:
        FileNotFoundError: If the file that was named is missing.
        ValueError: If it is damaged, or of other weights.
    """
    path = evaluation
    if path is None:
        above = trained.folder.absolute().parents
        place = above[_DEPTH - 1] if len(above) >= _DEPTH else above[-1]
        path = place / "reports" / "evaluation" / f"{trained.record.get('run', '')}.json"
        if not path.is_file():
            return None
    elif not path.is_file():
        raise FileNotFoundError(f"evaluation must be a file of reports/evaluation; found none at {path}. Name another.")
    content = read_json_object(path, {"results": list, "provenance": dict})
    name = f"{trained.condition}/seed{trained.seed}"
    files = content["provenance"].get("training", {}).get(name, {}).get("files", {})
    if files.get(WEIGHTS) != trained.record["files"].get(WEIGHTS):
        words = f"{path} must be the evaluation of the weights in {trained.folder}; got one of others"
        if evaluation is not None:
            raise ValueError(f"{words}. Run `dvc repro evaluate@{trained.record.get('run', '<run>')}`.")
        logger.warning("%s: the card states no metrics", words)
        return None
    results = [entry for entry in content["results"] if entry["train"] == trained.condition]
    results.sort(key=lambda entry: entry["test"] != trained.condition)
    return Measurements(path, results, content["provenance"].get("settings", {}))
