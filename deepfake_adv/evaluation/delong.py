"""DeLong's test for two AUCs of the same items: the closed form beside the paired bootstrap."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.names import FAKE_LABEL

Floats = NDArray[np.float64]


class DeLong(NamedTuple):
    """Difference of two AUCs, second minus first, its standard deviation, z, and the two-sided p-value."""

    value: float
    deviation: float
    z: float
    p: float


def delong_test(first: Floats, second: Floats, labels: NDArray[np.integer]) -> DeLong:
    """Compare two detectors by their AUCs.

    DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988; by sorting, as Sun and Xu, IEEE Signal Process. Lett. 21,
    2014. The test takes items as independent: pass videos, not frames, and mind that videos of one person are not
    independent either. AUCs of several seeds are averaged, with the seeds as fixed: a mean of U-statistics is one.

    Args:
        first: ``(N,)`` or ``(seeds, N)``, scores of the first detector.
        second: ``(N,)`` or ``(seeds, N)``, of the second, which may have other seeds.
        labels: ``(N,)``, 0 real and 1 fake.

    Returns:
        NaN for all if there are not at least two reals and two fakes. Where the variance is zero, p is 1 without a
        difference, and 0 with one.

    Raises:
        ValueError: If the lengths differ.
    """
    fake = np.asarray(labels) == FAKE_LABEL
    scores = [np.atleast_2d(np.asarray(each, np.float64)) for each in (first, second)]
    if any(each.shape[1] != len(fake) for each in scores):
        sizes = " and ".join(str(each.shape[1]) for each in scores)
        raise ValueError(f"scores must be one per label ({len(fake)}); got {sizes}. Compare the same items.")
    if fake.sum() < 2 or (~fake).sum() < 2:
        return DeLong(*[float("nan")] * 4)
    shares = [np.mean([_placements(each, fake) for each in seeds], axis=0) for seeds in scores]
    difference = shares[1] - shares[0]
    value = float(difference[fake].mean())
    variance = sum(difference[each].var(ddof=1) / each.sum() for each in (fake, ~fake))
    deviation = float(np.sqrt(variance))
    if deviation < 1e-12:  # rounding alone
        same = abs(value) < 1e-12
        return DeLong(value, 0.0, 0.0 if same else float(np.copysign(np.inf, value)), float(same))
    z = value / deviation
    return DeLong(value, deviation, z, 2 * NormalDist().cdf(-abs(z)))


def _placements(scores: Floats, fake: NDArray[np.bool_]) -> Floats:
    """Share of the other class on the right side of each item, ``(N,)``, ties half; its mean per class is the AUC."""
    result = np.empty(len(scores))
    for members, others in ((fake, ~fake), (~fake, fake)):
        ordered = np.sort(scores[others])
        sides = [np.searchsorted(ordered, scores[members], side=side) for side in ("left", "right")]  # type: ignore[call-overload]
        result[members] = (sides[0] + sides[1]) / (2 * len(ordered))
    result[~fake] = 1 - result[~fake]
    return result
