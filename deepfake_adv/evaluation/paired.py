"""Two detectors on the same videos: paired bootstrap differences, and DeLong's test.

Tables use the bootstrap, which knows that frames cluster in videos and covers every metric
and average. DeLong's covariance is the closed form for the AUC of independent items, here
video scores; it is the check on the bootstrap and needs no resampling.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.evaluation.bootstrap import interval
from deepfake_adv.names import FAKE_LABEL

Floats = NDArray[np.float64]


class Difference(NamedTuple):
    """Ours minus the other, with its interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def bootstrap_difference(value: float, ours: Floats, other: Floats, confidence: float) -> Difference:
    """Percentile interval of paired replicates; p is twice the smaller tail beyond zero.

    Args:
        value: The difference of the two measured values.
        ours: ``(resamples,)``, from the same draws as `other`.
        other: ``(resamples,)``.
        confidence: Of the interval, in (0, 1).

    Raises:
        ValueError: If the two differ in length.
    """
    if ours.shape != other.shape:
        shapes = f"{ours.shape} and {other.shape}"
        raise ValueError(f"replicates must be of the same draws; got {shapes}. Evaluate both with one setting.")
    differences = ours - other
    low, high = interval(differences, confidence)
    differences = differences[np.isfinite(differences)]
    if not len(differences):
        return Difference(value, low, high, float("nan"))
    below, above = (differences <= 0).sum(), (differences >= 0).sum()
    return Difference(value, low, high, float(min(1.0, 2 * (min(below, above) + 1) / (len(differences) + 1))))


def delong_difference(ours: Floats, other: Floats, labels: NDArray[np.integer], confidence: float) -> Difference:
    """DeLong, DeLong and Clarke-Pearson's test (Biometrics 44, 1988) of two AUCs on the same items.

    Args:
        ours: ``(N,)`` scores.
        other: ``(N,)`` scores of the same items.
        labels: ``(N,)``, 0 real and 1 fake; at least two of each.
        confidence: Of the interval, in (0, 1).

    Raises:
        ValueError: If the lengths differ or a class has fewer than two items.
    """
    fake = np.asarray(labels) == FAKE_LABEL
    if not ours.shape == other.shape == fake.shape:
        shapes = f"{ours.shape}, {other.shape}, {fake.shape}"
        raise ValueError(f"scores and labels must be equally long; got {shapes}. Align the items first.")
    fakes, reals = int(fake.sum()), int((~fake).sum())
    if min(fakes, reals) < 2:
        raise ValueError(f"each class must have two items; got {reals} real, {fakes} fake. Add videos.")
    placed = [_placements(scores, fake) for scores in (ours, other)]
    gap_fake, gap_real = placed[0][0] - placed[1][0], placed[0][1] - placed[1][1]
    value = float(gap_fake.mean())
    deviation = math.sqrt(gap_fake.var(ddof=1) / fakes + gap_real.var(ddof=1) / reals)
    if not deviation:
        return Difference(value, value, value, 1.0 if not value else 0.0)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * deviation
    return Difference(value, value - reach, value + reach, math.erfc(abs(value) / deviation / math.sqrt(2)))


def _placements(scores: Floats, fake: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Share of the other class that each fake beats, and that beats each real; ties half."""
    real, fakes = np.sort(scores[~fake]), np.sort(scores[fake])
    return _rank(real, scores[fake]), 1 - _rank(fakes, scores[~fake])


def _rank(ordered: Floats, scores: Floats) -> Floats:
    """Share of `ordered` below each score, ties half."""
    both = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return both / (2 * len(ordered))
