import numpy as np
import pytest

from deepfake_adv.evaluation.bootstrap import Sample, draw, replicate
from deepfake_adv.evaluation.metrics import auc, curve
from deepfake_adv.evaluation.paired import bootstrap_difference, delong_difference


def two_detectors(seed, gain, items=200):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], items // 2)
    common = rng.normal(labels, 1)
    one, other = common + rng.normal(gain * labels, 0.5), common + rng.normal(0, 0.5, items)
    squash = 1 / (1 + np.exp(-np.stack([one, other])))
    return squash[0], squash[1], labels


def bootstrapped(scores, labels, seed=0, resamples=2000):
    strata = tuple("d/NT" if label else "d/real" for label in labels)
    sample = Sample(scores, labels, np.arange(len(labels)), strata)
    return replicate(sample, draw(strata, resamples, seed))["auc"]


def test_bootstrap_and_delong_agree():
    one, other, labels = two_detectors(0, gain=0.4)
    value = auc(curve(one, labels)) - auc(curve(other, labels))
    closed = delong_difference(one, other, labels, 0.95)
    drawn = bootstrap_difference(value, bootstrapped(one, labels), bootstrapped(other, labels), 0.95)
    assert closed.value == pytest.approx(value, abs=1e-12)
    assert drawn.low == pytest.approx(closed.low, abs=0.008)
    assert drawn.high == pytest.approx(closed.high, abs=0.008)
    assert (closed.p < 0.05) == (drawn.p < 0.05)


def test_pairing_is_sharper_than_two_intervals():
    one, other, labels = two_detectors(1, gain=0.4)
    paired = bootstrap_difference(0, bootstrapped(one, labels), bootstrapped(other, labels), 0.95)
    apart = bootstrap_difference(0, bootstrapped(one, labels, 0), bootstrapped(other, labels, 1), 0.95)
    assert paired.high - paired.low < 0.7 * (apart.high - apart.low)


def test_delong_against_its_definition():
    one, other, labels = two_detectors(2, gain=0.1, items=30)
    placements = []
    for scores in (one, other):
        wins = (scores[labels == 1][:, None] > scores[labels == 0]) + 0.0
        placements.append((wins.mean(1), wins.mean(0)))
    fake, real = (np.cov(np.stack([placements[0][k], placements[1][k]])) for k in (0, 1))
    covariance = fake / 15 + real / 15
    deviation = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = delong_difference(one, other, labels, 0.95)
    assert found.high - found.value == pytest.approx(1.959964 * deviation, rel=1e-5)


def test_p_values_are_uniform_where_nothing_differs():
    values = [delong_difference(*two_detectors(seed, gain=0.0, items=120), 0.95).p for seed in range(150)]
    assert 0.01 < np.mean(np.array(values) < 0.1) < 0.2


def test_a_detector_does_not_differ_from_itself():
    one, _, labels = two_detectors(3, gain=0)
    assert delong_difference(one, one, labels, 0.95) == (0, 0, 0, 1)
    same = bootstrapped(one, labels, resamples=50)
    assert bootstrap_difference(0, same, same, 0.95).p == 1


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="same draws"):
        bootstrap_difference(0, np.zeros(3), np.zeros(4), 0.95)
    with pytest.raises(ValueError, match="equally long"):
        delong_difference(np.zeros(3), np.zeros(4), np.array([0, 1, 1]), 0.95)
    with pytest.raises(ValueError, match="1 real, 2 fake"):
        delong_difference(np.zeros(3), np.zeros(3), np.array([0, 1, 1]), 0.95)


def test_undefined_replicates_give_an_undefined_difference():
    found = bootstrap_difference(0.1, np.full(4, np.nan), np.zeros(4), 0.95)
    assert np.isnan([found.low, found.high, found.p]).all()
