"""Metrics of P(fake) against labels: one sort, then every number from the same curve.

Fake is the positive class. An undefined metric (one class only, no scores) is NaN, never 0 or
0.5, which a table would show as a measurement.
Equal scores form one step of the curve, so no metric depends on the order of the rows.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.names import FAKE_LABEL

THRESHOLD: Final = 0.5
MAX_FPR: Final = 0.01
CALIBRATION_BINS: Final = 15

METRICS: Final = ("auc", "acc", "ap", "eer", "tpr", "fpr", "ece")
HIGHER_IS_BETTER: Final = {"auc": True, "acc": True, "ap": True, "eer": False, "tpr": True, "fpr": False, "ece": False}

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Curve(NamedTuple):
    """Counts above each distinct score, from strict to lenient; starts at (0, 0).

    `true[i]` and `false[i]` are the fakes and reals with a score of at least
    `thresholds[i]`; `thresholds[0]` is infinity.
    """

    thresholds: Floats
    true: Floats
    false: Floats

    @property
    def fakes(self) -> float:
        """Number of fakes."""
        return float(self.true[-1])

    @property
    def reals(self) -> float:
        """Number of reals."""
        return float(self.false[-1])


class Confusion(NamedTuple):
    """Counts at a threshold; fake is positive."""

    tp: int
    fp: int
    tn: int
    fn: int


def curve(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> Curve:
    """Sort once and count.

    Args:
        scores: ``(N,)``, finite, higher for fakes.
        labels: ``(N,)``, 0 real and 1 fake.

    Raises:
        ValueError: If the shapes differ, a score is not finite or a label is neither 0 nor 1.
    """
    values: Floats = np.asarray(scores, dtype=np.float64)
    fake = _checked(values, labels)
    order = np.argsort(-values, kind="stable")
    ordered, hits = values[order], fake[order]
    last = np.flatnonzero(np.diff(ordered, append=-np.inf))  # the last of each group of equal scores
    true = np.cumsum(hits, dtype=np.float64)[last]
    return Curve(
        np.concatenate([[np.inf], ordered[last]]),
        np.concatenate([[0.0], true]),
        np.concatenate([[0.0], last + 1.0 - true]),
    )


def _checked(scores: Floats, labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    labels = np.asarray(labels)
    if scores.ndim != 1 or scores.shape != labels.shape:
        shapes = f"{scores.shape} and {labels.shape}"
        raise ValueError(f"scores and labels must be 1-D and equally long; got {shapes}. Pass one label per score.")
    lost = int((~np.isfinite(scores)).sum())
    if lost:
        raise ValueError(f"scores must be finite; got {lost} that are not. Drop them first, as the score files do.")
    strange = sorted(set(labels.tolist()) - {0, 1})[:5]
    if strange:
        raise ValueError(f"labels must be 0 (real) or 1 (fake); got {strange}. Map other codes first.")
    result: NDArray[np.bool_] = labels == FAKE_LABEL
    return result


def auc(points: Curve) -> float:
    """Area under the ROC curve: chance that a fake scores above a real, ties counted half."""
    if not points.fakes or not points.reals:
        return float("nan")
    area = np.sum(np.diff(points.false) * (points.true[1:] + points.true[:-1])) / 2
    return float(area / (points.fakes * points.reals))


def average_precision(points: Curve) -> float:
    """Precision averaged over the steps of recall, without interpolation."""
    if not points.fakes or not points.reals:
        return float("nan")
    precision = points.true[1:] / (points.true[1:] + points.false[1:])
    return float(np.sum(np.diff(points.true) * precision) / points.fakes)


def equal_error_rate(points: Curve) -> float:
    """Where the straight lines between the points of the curve have FPR = 1 - TPR."""
    if not points.fakes or not points.reals:
        return float("nan")
    fpr, miss = points.false / points.reals, 1 - points.true / points.fakes
    after = int(np.argmax(fpr >= miss))  # miss falls from 1 to 0 and fpr rises from 0 to 1: they cross
    gap_before, gap_after = fpr[after - 1] - miss[after - 1], fpr[after] - miss[after]
    share = gap_before / (gap_before - gap_after)
    return float(fpr[after - 1] + share * (fpr[after] - fpr[after - 1]))


def tpr_at_fpr(points: Curve, max_fpr: float = MAX_FPR) -> float:
    """Largest share of fakes found by a threshold that flags at most `max_fpr` of the reals."""
    if not points.fakes or not points.reals:
        return float("nan")
    allowed = np.searchsorted(points.false, max_fpr * points.reals * (1 + 1e-12), side="right") - 1
    return float(points.true[allowed] / points.fakes)


def confusion(scores: NDArray[np.floating], labels: NDArray[np.integer], threshold: float = THRESHOLD) -> Confusion:
    """Counts at `threshold`; a score that equals it is called real, as the argmax of two equal logits is."""
    flagged, fake = np.asarray(scores) > threshold, np.asarray(labels) == FAKE_LABEL
    tp, fp = int((flagged & fake).sum()), int((flagged & ~fake).sum())
    return Confusion(tp, fp, int((~fake).sum()) - fp, int(fake.sum()) - tp)


def accuracy(scores: NDArray[np.floating], labels: NDArray[np.integer], threshold: float = THRESHOLD) -> float:
    """Share called rightly at `threshold`; defined for one class as well, NaN for no scores."""
    counts = confusion(scores, labels, threshold)
    return (counts.tp + counts.tn) / len(scores) if len(scores) else float("nan")


def false_positive_rate(
    scores: NDArray[np.floating], labels: NDArray[np.integer], threshold: float = THRESHOLD
) -> float:
    """Share of the reals called fake at `threshold`; NaN for no reals."""
    counts = confusion(scores, labels, threshold)
    reals = counts.fp + counts.tn
    return counts.fp / reals if reals else float("nan")


def calibration_error(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Expected calibration error of P(fake): 15 bins of equal width, weighted by their size.

    NaN for no scores, and for scores outside [0, 1], which are no probabilities.
    """
    if not are_probabilities(scores):
        return float("nan")
    bins = calibration_bins(scores)
    gap = np.bincount(bins, weights=np.asarray(scores, np.float64) - labels, minlength=CALIBRATION_BINS)
    return float(np.abs(gap).sum() / len(scores))


def calibration_bins(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Bin of each score in [0, 1], ``[0, 15)``; 1 belongs to the last bin."""
    bins = (np.asarray(scores, np.float64) * CALIBRATION_BINS).astype(np.int64)
    return np.minimum(bins, CALIBRATION_BINS - 1)


def are_probabilities(scores: NDArray[np.floating]) -> bool:
    """Whether there are scores, all in [0, 1]."""
    return len(scores) > 0 and float(np.min(scores)) >= 0 and float(np.max(scores)) <= 1


def all_metrics(
    scores: NDArray[np.floating], labels: NDArray[np.integer], threshold: float = THRESHOLD
) -> dict[str, float]:
    """Every metric of `METRICS`, as fractions; NaN where undefined.

    Args:
        scores: ``(N,)``, P(fake), or any number that is higher for fakes.
        labels: ``(N,)``, 0 real and 1 fake.
        threshold: Of accuracy and false-positive rate.

    Raises:
        ValueError: As `curve` does.
    """
    points = curve(scores, labels)
    return {
        "auc": auc(points),
        "acc": accuracy(scores, labels, threshold),
        "ap": average_precision(points),
        "eer": equal_error_rate(points),
        "tpr": tpr_at_fpr(points),
        "fpr": false_positive_rate(scores, labels, threshold),
        "ece": calibration_error(scores, labels),
    }


def roc_on_grid(points: Curve, grid: Floats) -> Floats:
    """TPR at each FPR of `grid`, along the straight lines of the curve and at a step its top; NaN for one class."""
    if not points.fakes or not points.reals:
        return np.full(len(grid), np.nan)
    return np.interp(grid, points.false / points.reals, points.true / points.fakes)
