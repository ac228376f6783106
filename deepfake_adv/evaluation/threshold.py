"""A score above which a video is called fake, chosen by how many genuine videos may be called fake."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A threshold from validation videos.

    Attributes:
        rate: Largest share of genuine videos that may be called fake.
        score: A higher score is called fake; None where the genuine videos are too few to keep the rate.
        low: Lower end of the interval of the rate that this threshold really has.
        high: Its upper end.
        reals: Genuine people it rests on.
        needed: Genuine people that the rate takes at least.
    """

    rate: float
    score: float | None
    low: float
    high: float
    reals: int
    needed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "false_positive_rate": self.rate,
            "score": self.score,
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "people": self.reals,
            "needed": self.needed,
        }


def threshold_at(scores: Floats, targets: Sequence[str], rate: float, confidence: float) -> Threshold:
    """The lowest threshold whose expected false-positive rate is at most `rate`.

    It is the k-th lowest of n genuine scores, k = ceil((n + 1)(1 - rate)). A new genuine video exceeds it with
    probability (n + 1 - k) / (n + 1) at most, and the rate that the threshold has is distributed as Beta(n + 1 - k, k),
    whatever the scores' distribution: Wilks, Annals of Mathematical Statistics 12 (1941) 91-96; the same rank as in
    split conformal prediction. Of several genuine videos of one person the highest score counts.

    Args:
        scores: ``(N,)``, of genuine validation videos, finite.
        targets: ``(N,)``, whose video it is.
        rate: In (0, 1).
        confidence: Of the interval, in (0, 1).

    Raises:
        ValueError: If `rate` is out of range.
    """
    if not 0 < rate < 1:
        raise ValueError(f"false_positive_rate must be above 0 and below 1; got {rate}. Use 0.05.")
    highest: dict[str, float] = {}
    for name, score in zip(targets, scores.tolist(), strict=True):
        highest[name] = max(score, highest.get(name, score))
    ordered = sorted(highest.values())
    count = len(ordered)
    needed = math.ceil(1 / rate - 1e-9) - 1
    rank = math.ceil((count + 1) * (1 - rate) - 1e-9)
    if rank > count:
        return Threshold(rate, None, 0.0, 1.0, count, needed)
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low, high = (float(betaincinv(count + 1 - rank, rank, share)) for share in (tail, 1 - tail))
    return Threshold(rate, ordered[rank - 1], low, high, count, needed)
