"""What a detector's validation videos support: a calibration, and a threshold for a false-positive rate."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.crops.record import REFERENCE
from deepfake_adv.evaluation.calibration import RatioScale, calibrate
from deepfake_adv.evaluation.threshold import Threshold, threshold_at
from deepfake_adv.files import read_json_object
from deepfake_adv.names import REAL_LABEL

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ValidationVideos:
    """The validation videos of a trained detector; none is a test video.

    Attributes:
        scores: ``(N,)`` P(fake), finite; a video without a score is left out.
        labels: ``(N,)`` 0 real, 1 fake.
        targets: ``(N,)`` dataset and target of each: whose video it is.
        frames: Frames that a score is the mean of, median over videos.
        all_targets: Dataset and target of all videos, in the file's order, those without a score too.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    targets: tuple[str, ...]
    frames: int
    all_targets: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Support:
    """What may be said of a score.

    Attributes:
        calibration: From score to likelihood ratio.
        threshold: For a false-positive rate.
        frames: See `ValidationVideos`.
    """

    calibration: RatioScale
    threshold: Threshold
    frames: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**self.calibration.to_dict(), "frames": self.frames, "threshold": self.threshold.to_dict()}


def read_validation(folder: Path) -> ValidationVideos | None:
    """Validation videos of the detector in a folder; None for a run of an older version, which kept none.

    Raises:
        ValueError: If the file is damaged.
    """
    path = Path(folder) / REFERENCE
    if not path.exists():
        return None
    videos = read_json_object(path, {"videos": list})["videos"]
    try:
        scored = [video for video in videos if video["score"] is not None]
        return ValidationVideos(
            np.array([float(video["score"]) for video in scored]),
            np.array([int(video["label"]) for video in scored], np.int64),
            tuple(f"{video['dataset']}/{video['target']}" for video in scored),
            int(np.median([int(video["frames"]) for video in scored])) if scored else 0,
            tuple(f"{video['dataset']}/{video['target']}" for video in videos),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must hold validation videos; got another content ({error}). Copy the run again, or train it again."
        ) from error


def read_support(folder: Path, rate: float, confidence: float) -> Support | None:
    """What the validation videos of the detector in a folder support; None for a run of an older version.

    Args:
        folder: <run>/<condition>/seed<k>.
        rate: False-positive rate to choose the threshold by.
        confidence: Of the interval of that rate.

    Raises:
        ValueError: If the file is damaged, a class has no scored video, or `rate` is out of range.
    """
    known = read_validation(folder)
    return None if known is None else support_of(known, rate, confidence)


def read_supports(run: Path, rate: float, confidence: float) -> dict[tuple[str, int], Support]:
    """Of every detector of a run, by training condition and seed; those that cannot be calibrated are left out.

    Raises:
        ValueError: If a file is damaged, or `rate` is out of range.
    """
    found = {}
    for path in sorted(Path(run).glob(f"*/seed*/{REFERENCE}")):
        known = read_validation(path.parent)
        assert known is not None
        if len(set(known.labels.tolist())) < 2:
            logger.warning("%s has scores of one class of validation videos at most: no likelihood ratios", path.parent)
            continue
        condition, seed = path.parent.parent.name, int(path.parent.name.removeprefix("seed"))
        found[condition, seed] = support_of(known, rate, confidence)
    return found


def support_of(known: ValidationVideos, rate: float, confidence: float) -> Support:
    """What validation videos support; see `read_support`.

    Raises:
        ValueError: If a class has no video, or `rate` is out of range.
    """
    real = known.labels == REAL_LABEL
    people = [name for name, own in zip(known.targets, real.tolist(), strict=True) if own]
    threshold = threshold_at(known.scores[real], people, rate, confidence)
    return Support(calibrate(known.scores, known.labels, known.targets), threshold, known.frames)
