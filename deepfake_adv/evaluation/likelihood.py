"""How good likelihood ratios are: Cllr, its minimum, and the calibration plot, for ratios in powers of ten."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.names import FAKE_LABEL

Floats = NDArray[np.float64]
_LARGEST = 300.0  # powers of ten that float64 holds


class Block(NamedTuple):
    """Videos whose ratios are pooled, since their order by ratio does not tell reals from fakes.

    Attributes:
        stated: Mean log10 of the ratios stated for them.
        reals: How many are real.
        fakes: How many are fake.
    """

    stated: float
    reals: int
    fakes: int


def costs(log10_lr: Floats, labels: NDArray[np.integer]) -> Floats:
    """What each ratio costs, ``(N,)`` bits: log2(1 + LR) of a real, log2(1 + 1 / LR) of a fake.

    1 is the cost of no information (LR = 1). Brümmer and du Preez, Computer Speech and Language 20 (2006), Eq. (52).
    """
    against = np.where(np.asarray(labels) == FAKE_LABEL, -1.0, 1.0) * np.clip(log10_lr, -_LARGEST, _LARGEST)
    result: Floats = np.logaddexp(0, against * np.log(10)) / np.log(2)
    return result


def cllr(log10_lr: Floats, labels: NDArray[np.integer], weights: Floats | None = None) -> Floats:
    """Cost of a set of ratios, reals and fakes weighing the same: 0 is perfect, 1 says nothing, above 1 misleads.

    Args:
        log10_lr: ``(N,)``.
        labels: ``(N,)``, 0 real and 1 fake.
        weights: ``(R, N)``, how often each counts in each of R resamples; None: each once.

    Returns:
        ``(R,)``, or a scalar array without weights; NaN where a class is missing.
    """
    cost, fake = costs(log10_lr, labels), np.asarray(labels) == FAKE_LABEL
    counts = np.ones(len(cost)) if weights is None else weights
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: undefined
        means = [counts[..., own] @ cost[own] / counts[..., own].sum(-1) for own in (fake, ~fake)]
    result: Floats = np.asarray((means[0] + means[1]) / 2)
    return result


def pav_blocks(log10_lr: Floats, labels: NDArray[np.integer]) -> list[Block]:
    """Pool adjacent violators: the best ratios that keep the order of the stated ones, as blocks of rising ratio.

    A block's ratio is (its fakes / all fakes) / (its reals / all reals). Plotted against what was stated it shows how
    calibration fails: on the diagonal where it holds. No block where a class is missing.
    """
    from scipy.optimize import isotonic_regression

    values, place = np.unique(log10_lr, return_inverse=True)
    fake = np.asarray(labels) == FAKE_LABEL
    fakes, reals = (np.bincount(place[own], minlength=len(values)) for own in (fake, ~fake))
    if not fakes.sum() or not reals.sum():
        return []
    shares = fakes / fakes.sum(), reals / reals.sum()
    weights = shares[0] + shares[1]
    fitted = isotonic_regression(shares[0] / weights, weights=weights).x
    found = []
    for value in np.unique(fitted):
        own = fitted == value
        count = (fakes + reals)[own]
        found.append(Block(float(values[own] @ count / count.sum()), int(reals[own].sum()), int(fakes[own].sum())))
    return found


def cllr_min(blocks: list[Block]) -> float:
    """Cllr of the best ratios in this order: what calibration cannot mend, which is discrimination alone.

    Args:
        blocks: From `pav_blocks`.

    Returns:
        In [0, 1]; NaN without blocks.
    """
    fakes, reals = sum(block.fakes for block in blocks), sum(block.reals for block in blocks)
    if not blocks:
        return float("nan")
    cost = 0.0
    for block in blocks:
        fake, real = block.fakes / fakes, block.reals / reals
        cost += fake * np.log2(1 + real / fake) if fake else 0.0
        cost += real * np.log2(1 + fake / real) if real else 0.0
    return float(cost / 2)
