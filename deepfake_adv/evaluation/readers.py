"""Several seeds on the same identities: the multi-reader multi-case analysis of paired AUCs.

Training seeds are random and so are identities, and every seed's detector is tested on every identity pair. Radiology
compares two imaging methods in the same situation: readers are the seeds, cases the identity pairs. The method is that
of Obuchowski and Rockette (1995) with the degrees of freedom of Hillis (2007). For two methods it says

    variance of the mean difference = s² / S + C

where s² is the variance of the S seeds' differences and C the mean covariance of two seeds' differences over identity
pairs, from a jackknife. A percentile bootstrap over five seeds is about a third too narrow: it knows neither the
factor S / (S - 1) nor Student's t.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """A statistic of one method: ``(S,)`` of each seed, and ``(S, P)`` with one identity pair left out at a time."""

    values: Floats
    left_out: Floats

    def minus(self, other: "Measured") -> "Measured":
        """The paired difference; a jackknife is linear.

        Raises:
            ValueError: If the two are not of the same seeds and pairs.
        """
        if self.left_out.shape != other.left_out.shape:
            shapes = f"{self.left_out.shape} and {other.left_out.shape}"
            raise ValueError(
                f"two methods must have the same seeds and identity pairs; got {shapes}. "
                "Train and test both in the same way."
            )
        return Measured(self.values - other.values, self.left_out - other.left_out)


class Effect(NamedTuple):
    """A mean difference, its standard error, and the degrees of freedom of Student's t."""

    value: float
    error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided interval."""
        half = float(stats.t.ppf((1 + confidence) / 2, self.freedom)) * self.error
        return self.value - half, self.value + half

    def above(self, bound: float) -> float:
        """One-sided p-value of "at most `bound`"; small where the effect is above it."""
        return self._tail(self.value - bound)

    def below(self, bound: float) -> float:
        """One-sided p-value of "at least `bound`"; small where the effect is below it."""
        return self._tail(bound - self.value)

    def _tail(self, excess: float) -> float:
        if not self.error:
            return 0.0 if excess > 0 else 1.0
        return float(stats.t.sf(excess / self.error, self.freedom))


def effect(difference: Measured) -> Effect:
    """Mean difference over seeds, with the error of seeds and identities.

    Degrees of freedom are at most the number of identity pairs less one.

    Args:
        difference: Of two methods, or a method itself.

    Raises:
        ValueError: If there are fewer than two seeds or two identity pairs.
    """
    seeds, pairs = difference.left_out.shape
    if seeds < 2 or pairs < 2:
        raise ValueError(
            f"an effect must have at least 2 seeds and 2 identity pairs; got {seeds} and {pairs}. "
            "Train more seeds, or test more identities."
        )
    centred = difference.left_out - difference.left_out.mean(axis=1, keepdims=True)
    covariances = (pairs - 1) / pairs * centred @ centred.T
    shared = max(float((covariances.sum() - np.trace(covariances)) / (seeds * (seeds - 1))), 0.0)
    between = float(difference.values.var(ddof=1))
    error = float(np.sqrt(between / seeds + shared))
    freedom = (between + seeds * shared) ** 2 * (seeds - 1) / between**2 if between else np.inf
    return Effect(float(difference.values.mean()), error, float(min(freedom, pairs - 1)))


def holm(p_values: list[float]) -> list[float]:
    """p-values adjusted for the whole family (Holm, 1979), in the same order."""
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[index], 1.0))
        adjusted[index] = largest
    return adjusted
