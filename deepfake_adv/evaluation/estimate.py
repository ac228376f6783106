"""Metrics of scores in memory, with intervals: the pipeline's evaluation for anyone's detector."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_adv.evaluation.bootstrap import Sample, interval, replicate
from deepfake_adv.evaluation.metrics import METRICS, THRESHOLD, all_metrics
from deepfake_adv.evaluation.units import Units, find_units
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
    targets: ArrayLike | None = None,
    sources: ArrayLike | None = None,
    threshold: float = THRESHOLD,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Estimate]:
    """AUC, accuracy, AP, EER, TPR at 1 % FPR and calibration error, with bootstrap intervals.

    Frames of one video are not independent: give ``videos``, or intervals are far too narrow. Nor are videos of one
    person: with ``targets`` and ``sources`` the bootstrap draws identities, as `evaluation/units.py` explains.

    Args:
        scores: ``(N,)``, finite: P(fake), or another number that is higher for fakes.
        labels: ``(N,)``, 0 real and 1 fake.
        videos: ``(N,)``, the video of each score, by any names; None: every score is a video of its own.
        targets: ``(N,)``, who is seen: the identity or original video; "" where unknown. None: unknown.
        sources: ``(N,)``, whose face a fake shows; "" for reals and where unknown. None: unknown.
        threshold: Scores above it are called fake.
        resamples: Resamples, drawn within reals and fakes separately where videos are drawn; 0: no intervals.
        confidence: Of the intervals, above 0 and below 1.
        seed: Of the resamples.

    Returns:
        By metric: ``auc``, ``acc``, ``ap``, ``eer``, ``tpr``, ``fpr``, ``ece``.

    Raises:
        ValueError: If lengths differ, there are no scores, a score is not finite, a label is neither 0 nor 1, a
            video has two labels, targets or sources, or ``resamples`` or ``confidence`` is out of range.
    """
    if resamples < 0:
        raise ValueError(f"resamples must be at least 0; got {resamples}. Use 1000, or 0 for no intervals.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be above 0 and below 1; got {confidence}. Use 0.95.")
    score, label = np.asarray(scores, np.float64), np.asarray(labels)
    if not score.size:
        raise ValueError("scores must hold at least one value; got none. Pass one score per image.")
    values = all_metrics(score, label, threshold)
    named = np.arange(len(score)) if videos is None else np.asarray(videos)
    first, cluster = _clusters(score, named)
    people = [
        _of_videos(given, named, first, cluster, name) for given, name in ((targets, "targets"), (sources, "sources"))
    ]
    sample = Sample(score, label.astype(np.int64), cluster)
    units = _units(sample, first, named, *people)
    if not resamples:
        return {name: Estimate(values[name], float("nan"), float("nan")) for name in METRICS}
    drawn = replicate(sample, units.draw(resamples, seed), threshold)
    return {name: Estimate(values[name], *interval(drawn[name], confidence, units.count())) for name in METRICS}


def _clusters(scores: NDArray[np.float64], videos: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first score of each video, and the video of each score."""
    _check_length(videos, scores, "videos")
    _, first, cluster = np.unique(videos, return_index=True, return_inverse=True)
    return first, cluster


def _units(
    sample: Sample, first: NDArray[np.int64], videos: NDArray[Any], targets: list[str], sources: list[str]
) -> Units:
    mixed = np.flatnonzero(sample.labels != sample.labels[first][sample.cluster])
    if len(mixed):
        raise ValueError(
            f"videos must be real or fake as a whole; got both labels in {str(videos[mixed[0]])!r}. "
            "Name a forgery and its original differently."
        )
    forgeries = ["fake" if label == FAKE_LABEL else str(REAL) for label in sample.labels[first]]
    return find_units("", [str(name) for name in videos[first]], forgeries, targets, sources)


def _of_videos(
    given: ArrayLike | None, videos: NDArray[Any], first: NDArray[np.int64], cluster: NDArray[np.int64], name: str
) -> list[str]:
    """The target or source of each video."""
    if given is None:
        return [""] * len(first)
    values = np.asarray(given).astype(str)
    _check_length(values, videos, name)
    mixed = np.flatnonzero(values != values[first][cluster])
    if len(mixed):
        raise ValueError(
            f"{name} must be one for each video; got {str(values[first][cluster][mixed[0]])!r} and "
            f"{str(values[mixed[0]])!r} in {str(videos[mixed[0]])!r}. Name each video's own."
        )
    return list(map(str, values[first]))


def _check_length(given: NDArray[Any], scores: NDArray[Any], name: str) -> None:
    if given.shape != scores.shape:
        raise ValueError(
            f"{name} must be 1-D with one entry per score ({len(scores)}); got {given.shape}. Pass one name per score."
        )
