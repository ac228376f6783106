"""Metrics of scores in memory, with intervals: the pipeline's evaluation for anyone's detector."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_adv.evaluation.bootstrap import Sample, draw, interval, replicate
from deepfake_adv.evaluation.metrics import METRICS, all_metrics
from deepfake_adv.names import FAKE_LABEL, REAL


class Estimate(NamedTuple):
    """A metric with its interval, all as fractions; NaN where undefined."""

    value: float
    low: float
    high: float


def evaluate_scores(
    scores: ArrayLike,
    labels: ArrayLike,
    videos: ArrayLike | None = None,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Estimate]:
    """AUC, accuracy, AP, EER, TPR at 1 % FPR and calibration error, with bootstrap intervals over videos.

    Frames of one video are not independent: give ``videos``, or intervals are far too narrow.

    Args:
        scores: ``(N,)``, P(fake), finite.
        labels: ``(N,)``, 0 real and 1 fake.
        videos: ``(N,)``, the video of each score, by any names; None: every score is a video of its own.
        resamples: Resamples of the videos, drawn within reals and fakes separately; 0: no intervals.
        confidence: Of the intervals, above 0 and below 1.
        seed: Of the resamples.

    Returns:
        By metric: ``auc``, ``acc``, ``ap``, ``eer``, ``tpr``, ``ece``.

    Raises:
        ValueError: If lengths differ, there are no scores, a score is not finite, a label is neither 0 nor 1, a
            video has both labels, or ``resamples`` or ``confidence`` is out of range.
    """
    if resamples < 0:
        raise ValueError(f"resamples must be at least 0; got {resamples}. Use 1000, or 0 for no intervals.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be above 0 and below 1; got {confidence}. Use 0.95.")
    score, label = np.asarray(scores, np.float64), np.asarray(labels)
    if not score.size:
        raise ValueError("scores must hold at least one value; got none. Pass one score per image.")
    values = all_metrics(score, label)
    sample = _sample(score, label.astype(np.int64), np.arange(len(score)) if videos is None else np.asarray(videos))
    if not resamples:
        return {name: Estimate(values[name], float("nan"), float("nan")) for name in METRICS}
    drawn = replicate(sample, draw(sample.strata, resamples, seed))
    return {name: Estimate(values[name], *interval(drawn[name], confidence)) for name in METRICS}


def _sample(scores: NDArray[np.float64], labels: NDArray[np.int64], videos: NDArray[Any]) -> Sample:
    if videos.shape != scores.shape:
        raise ValueError(
            f"videos must be 1-D with one entry per score ({len(scores)}); got {videos.shape}. Pass one name per score."
        )
    _, first, cluster = np.unique(videos, return_index=True, return_inverse=True)
    mixed = np.flatnonzero(labels != labels[first][cluster])
    if len(mixed):
        raise ValueError(
            f"videos must be real or fake as a whole; got both labels in {videos[mixed[0]]!r}. "
            "Name a forgery and its original differently."
        )
    strata = tuple("fake" if label == FAKE_LABEL else str(REAL) for label in labels[first])
    return Sample(scores, labels, cluster, strata)
