"""The largest and smallest likelihood ratio that a number of videos supports."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.names import FAKE_LABEL

STEP: Final = 0.01  # accuracy of a bound, powers of ten

Floats = NDArray[np.float64]


def empirical_bounds(
    log10_lr: Floats, labels: NDArray[np.integer], *, reals: int | None = None, fakes: int | None = None
) -> tuple[float, float]:
    """Empirical lower and upper bound (ELUB), log10.

    A ratio is kept as far as acting on it costs less than acting on no evidence at all, after one misleading video has
    been added to each class: Vergeer, van Es, de Jongh, Alberink and Stoel, Science & Justice 56 (2016) 482-491. It
    follows that with n independent reals no ratio exceeds n + 1, and with n fakes none is below 1 / (n + 1).

    Args:
        log10_lr: ``(N,)``, of the videos.
        labels: ``(N,)``, 0 real and 1 fake.
        reals: How many of the reals are independent; None: all of them. Fewer where one person is there several times.
        fakes: The same of the fakes.

    Returns:
        At most 0, and at least 0.
    """
    fake = np.asarray(labels) == FAKE_LABEL
    reals = int((~fake).sum()) if reals is None else reals
    fakes = int(fake.sum()) if fakes is None else fakes
    top, bottom = np.log10(reals + 1), np.log10(fakes + 1)
    down = np.arange(0, min(bottom, max(-log10_lr.min(), 0)) + 1e-9, STEP)
    up = np.arange(0, min(top, max(log10_lr.max(), 0)) + 1e-9, STEP)
    return -_last(-down, log10_lr, fake) or 0.0, _last(up, log10_lr, fake)


def _last(thresholds: Floats, log10_lr: Floats, fake: NDArray[np.bool_]) -> float:
    """Distance from 0 of the last threshold before the first one at which no evidence would have cost less."""
    called = log10_lr[:, None] > thresholds
    missed = 1 - called[fake].sum(0) / (fake.sum() + 1)  # the added fake is missed
    alarms = (called[~fake].sum(0) + 1) / ((~fake).sum() + 1)  # the added real is called fake
    cost = missed + 10**thresholds * alarms
    neutral = np.where(thresholds < 0, 10**thresholds, 1.0)  # LR = 1 for all: called fake below 1, missed from 1 on
    worse = np.flatnonzero(cost > neutral + 1e-12)
    end = worse[0] - 1 if len(worse) else len(thresholds) - 1
    return float(abs(thresholds[max(end, 0)]))
