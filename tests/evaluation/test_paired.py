from statistics import NormalDist

import numpy as np
import pytest

from deepfake_adv.evaluation.bootstrap import Sample, draw, replicate
from deepfake_adv.evaluation.metrics import auc, curve
from deepfake_adv.evaluation.paired import bootstrap_difference


def two_detectors(seed, gain, items=200):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], items // 2)
    common = rng.normal(labels, 1)
    one, other = common + rng.normal(gain * labels, 0.5), common + rng.normal(0, 0.5, items)
    squash = 1 / (1 + np.exp(-np.stack([one, other])))
    return squash[0], squash[1], labels


def bootstrapped(scores, labels, seed=0, resamples=2000):
    strata = tuple("d/NT" if label else "d/real" for label in labels)
    sample = Sample(scores, labels, np.arange(len(labels)))
    return replicate(sample, draw(strata, resamples, seed))["auc"]


def delong(one, other, labels):
    """Difference of two AUCs and its deviation: DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988."""
    wins = [(scores[labels == 1][:, None] > scores[labels == 0]) + 0.0 for scores in (one, other)]
    fake, real = (np.cov(np.stack([each.mean(axis) for each in wins])) for axis in (1, 0))
    covariance = fake / (labels == 1).sum() + real / (labels == 0).sum()
    return (
        wins[0].mean() - wins[1].mean(),
        np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]),
    )


@pytest.mark.parametrize(("seed", "gain"), [(0, 0.4), (2, 0.0)])
def test_bootstrap_and_delong_agree(seed, gain):
    one, other, labels = two_detectors(seed, gain)
    value = auc(curve(one, labels)) - auc(curve(other, labels))
    closed, deviation = delong(one, other, labels)
    drawn = bootstrap_difference(value, bootstrapped(one, labels), bootstrapped(other, labels), 0.95)
    assert closed == pytest.approx(value, abs=1e-12)
    assert drawn.low == pytest.approx(closed - 1.96 * deviation, abs=0.008)
    assert drawn.high == pytest.approx(closed + 1.96 * deviation, abs=0.008)
    assert drawn.p == pytest.approx(2 * NormalDist().cdf(-abs(closed) / deviation), abs=0.03)


def test_pairing_is_sharper_than_two_intervals():
    one, other, labels = two_detectors(1, gain=0.4)
    paired = bootstrap_difference(0, bootstrapped(one, labels), bootstrapped(other, labels), 0.95)
    apart = bootstrap_difference(0, bootstrapped(one, labels, 0), bootstrapped(other, labels, 1), 0.95)
    assert paired.high - paired.low < 0.7 * (apart.high - apart.low)


def test_a_detector_does_not_differ_from_itself():
    one, _, labels = two_detectors(3, gain=0)
    same = bootstrapped(one, labels, resamples=50)
    assert bootstrap_difference(0, same, same, 0.95).p == 1


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="same draws"):
        bootstrap_difference(0, np.zeros(3), np.zeros(4), 0.95)


def test_undefined_replicates_give_an_undefined_difference():
    found = bootstrap_difference(0.1, np.full(4, np.nan), np.zeros(4), 0.95)
    assert np.isnan([found.low, found.high, found.p]).all()
