"""Metrics of any number of scores in bounded memory: two histograms, mergeable, with error bounds.

Detectors saturate, so bins of equal width would heap most scores into the two outermost.
The key of a float32 score here is its distance to the nearer end of [0, 1] in floating
point, cut to 11 bits of mantissa: bins are 2^-11 of that distance wide, near 0 and near 1
alike (1 - s is exact in float32 for s >= 0.5). The key never reorders two scores and 0.5 is a
bin's edge, so accuracy is exact, and AUC errs by no more than half the pairs that share a bin.

The `evaluate` stage holds a run's scores in memory, since its intervals need them whole. This is for
more scores than fit: call `StreamingMetrics.update` on chunks, as benchmarks/evaluate.py does.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.evaluation.metrics import (
    CALIBRATION_BINS,
    Curve,
    auc,
    average_precision,
    calibration_bins,
    equal_error_rate,
    tpr_at_fpr,
)

_SHIFT: Final = 12
_HALF: Final = int(np.float32(0.5).view(np.uint32)) >> _SHIFT
BINS: Final = 2 * _HALF + 2


class Streamed(NamedTuple):
    """Metrics as fractions, and how far AUC can be from that of the unbinned scores."""

    metrics: dict[str, float]
    auc_error: float
    scores: int
    lost: int


class StreamingMetrics:
    """Counts per bin and class: 8 MiB whatever the number of scores."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, BINS), dtype=np.int64)
        self._gaps = np.zeros(CALIBRATION_BINS)
        self._lost = 0

    def update(self, scores: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Count a chunk.

        Args:
            scores: ``(N,)`` in [0, 1], read as float32; those not finite are left out and counted.
            labels: ``(N,)``, 0 real and 1 fake.

        Raises:
            ValueError: If a finite score lies outside [0, 1].
        """
        scores = np.asarray(scores, dtype=np.float32)
        labels = np.asarray(labels)
        finite = np.isfinite(scores)
        if not finite.all():
            self._lost += int((~finite).sum())
            scores, labels = scores[finite], labels[finite]
        if len(scores) and (scores.min() < 0 or scores.max() > 1):
            span = f"{scores.min()} to {scores.max()}"
            raise ValueError(f"scores must lie in [0, 1]; got {span}. Pass P(fake), not logits.")
        cells = keys(scores) + labels.astype(np.int64) * BINS
        self._counts += np.bincount(cells, minlength=2 * BINS).reshape(2, BINS)
        gaps = scores.astype(np.float64) - labels
        self._gaps += np.bincount(calibration_bins(scores), weights=gaps, minlength=CALIBRATION_BINS)

    def merge(self, other: "StreamingMetrics") -> None:
        """Add what another has counted."""
        self._counts += other._counts
        self._gaps += other._gaps
        self._lost += other._lost

    def curve(self) -> Curve:
        """The ROC curve over occupied bins; thresholds are bin numbers."""
        occupied = np.flatnonzero(self._counts.any(axis=0))[::-1]
        real, fake = np.cumsum(self._counts[:, occupied], axis=1, dtype=np.float64)
        zero = np.zeros(1)
        return Curve(np.concatenate([[np.inf], occupied]), np.concatenate([zero, fake]), np.concatenate([zero, real]))

    def result(self) -> Streamed:
        """Metrics of everything counted so far; NaN where undefined."""
        points = self.curve()
        total = int(self._counts.sum())
        reals, fakes = (int(n) for n in self._counts.sum(axis=1))
        right = int(self._counts[0, : _HALF + 1].sum() + self._counts[1, _HALF + 1 :].sum())
        shared = float(np.dot(self._counts[0].astype(np.float64), self._counts[1].astype(np.float64)))
        metrics = {
            "auc": auc(points),
            "acc": right / total if total else float("nan"),
            "ap": average_precision(points),
            "eer": equal_error_rate(points),
            "tpr": tpr_at_fpr(points),
            "fpr": 1 - int(self._counts[0, : _HALF + 1].sum()) / reals if reals else float("nan"),
            "ece": float(np.abs(self._gaps).sum() / total) if total else float("nan"),
        }
        error = shared / 2 / (reals * fakes) if reals and fakes else float("nan")
        return Streamed(metrics, error, total, self._lost)


def keys(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Bin of each score in ``[0, BINS)``: never decreasing in the score, edges at 0, 0.5 and 1."""
    high = scores > np.float32(0.5)
    distance = np.where(high, np.float32(1) - scores, scores).astype(np.float32)
    bits = np.abs(distance).view(np.uint32).astype(np.int64) >> _SHIFT
    return np.where(high, BINS - 1 - bits, bits)
