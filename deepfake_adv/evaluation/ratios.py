"""Likelihood ratios of a test condition's videos: Cllr, its minimum, the calibration plot, and the threshold's rates.

Calibration and threshold come from validation videos of the training condition. So on unseen forgeries and qualities
these numbers tell how calibration itself fails there.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.evaluation import replicates
from deepfake_adv.evaluation.bootstrap import Sample, interval
from deepfake_adv.evaluation.likelihood import cllr, cllr_min, pav_blocks
from deepfake_adv.evaluation.support import Support
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL

Floats = NDArray[np.float64]


def measure_ratios(
    samples: Mapping[int, Sample],
    supports: Mapping[int, Support],
    drawn: NDArray[np.float32] | None,
    *,
    units: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Measure one test condition, video level; means over training seeds.

    Args:
        samples: Scored videos by training seed.
        supports: What validation supports, by training seed.
        drawn: ``(resamples, videos)`` how often each is drawn; None: no intervals.
        units: Number of units that were drawn.
        confidence: Of the intervals.
        seed: Of the resampling of training seeds.

    Returns:
        ``cllr`` and ``cllr_min``; ``threshold`` with ``fpr`` and ``tpr``, each value, low, high, None where a seed has
        none; ``plot``, [stated log10 LR, reals, fakes] of each block of `pav_blocks`, all seeds together.
    """
    seeds = [each for each in sorted(samples) if each in supports]
    stated = {each: supports[each].calibration.log10_lr(samples[each].scores) for each in seeds}
    weights = {each: None if drawn is None else drawn[:, samples[each].cluster].astype(np.float64) for each in seeds}

    def number(of: Mapping[int, Floats], again: Mapping[int, Floats]) -> dict[str, float | None]:
        low = high = float("nan")
        if drawn is not None:
            low, high = interval(replicates.over_seeds([again[each] for each in seeds], seed), confidence, units)
        values = (float(np.mean([of[each] for each in seeds])), low, high)
        names = ("value", "low", "high")
        return {
            name: round(value, 6) if np.isfinite(value) else None for name, value in zip(names, values, strict=True)
        }

    labels = {each: samples[each].labels for each in seeds}
    points = {each: cllr(stated[each], labels[each]) for each in seeds}
    resampled = {each: cllr(stated[each], labels[each], weights[each]) for each in seeds}
    least = float(np.mean([cllr_min(pav_blocks(stated[each], labels[each])) for each in seeds]))
    pooled = pav_blocks(np.concatenate([*stated.values()]), np.concatenate([*labels.values()]))
    entry: dict[str, Any] = {
        "cllr": number(points, resampled),
        "cllr_min": round(least, 6) if np.isfinite(least) else None,
        "threshold": None,
        "plot": [[round(block.stated, 4), block.reals, block.fakes] for block in pooled],
    }
    limits = {each: limit for each in seeds if (limit := supports[each].threshold.score) is not None}
    if len(limits) == len(seeds):
        called = {each: samples[each].scores > limits[each] for each in seeds}
        entry["threshold"] = {
            name: number(
                {each: _share(called[each], labels[each] == label, None) for each in seeds},
                {each: _share(called[each], labels[each] == label, weights[each]) for each in seeds},
            )
            for name, label in (("fpr", REAL_LABEL), ("tpr", FAKE_LABEL))
        }
    return entry


def _share(called: NDArray[np.bool_], own: NDArray[np.bool_], weights: Floats | None) -> Floats:
    """Share of a class's videos that are called fake, by resample; NaN where there are none."""
    counts = np.ones(len(called)) if weights is None else weights
    with np.errstate(invalid="ignore"):
        result: Floats = np.asarray(counts[..., own & called].sum(-1) / counts[..., own].sum(-1))
    return result
