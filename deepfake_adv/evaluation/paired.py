"""Two detectors on the same videos: paired bootstrap differences.

The bootstrap accounts for frames that cluster in videos, and works for every metric and average. On the AUC of
independent items it agrees with DeLong's closed form; a test compares them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.evaluation.bootstrap import interval
from deepfake_adv.evaluation.small_samples import contracted

Floats = NDArray[np.float64]


class Difference(NamedTuple):
    """Ours minus the other, with its interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def bootstrap_difference(
    value: float, ours: Floats, other: Floats, confidence: float, units: int | None = None
) -> Difference:
    """Percentile interval of paired replicates; p is twice the smaller tail beyond zero, expanded as the interval is.

    Args:
        value: The difference of the two measured values.
        ours: ``(resamples,)``, from the same draws as `other`.
        other: ``(resamples,)``.
        confidence: Of the interval, in (0, 1).
        units: See `interval`.

    Raises:
        ValueError: If the two differ in length.
    """
    if ours.shape != other.shape:
        shapes = f"{ours.shape} and {other.shape}"
        raise ValueError(f"replicates must be of the same draws; got {shapes}. Evaluate both with one setting.")
    differences = ours - other
    low, high = interval(differences, confidence, units)
    differences = differences[np.isfinite(differences)]
    if not len(differences):
        return Difference(value, low, high, float("nan"))
    below, above = (differences <= 0).sum(), (differences >= 0).sum()
    tail = min(0.5, float((min(below, above) + 1) / (len(differences) + 1)))
    if units is not None:
        tail = contracted(tail, units) if units > 1 else float("nan")
    return Difference(value, low, high, 2 * tail)
