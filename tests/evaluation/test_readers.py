"""Paired effects over seeds and identity pairs."""

import numpy as np
import pytest
from scipy import stats

from deepfake_adv.evaluation.readers import Effect, Measured, effect, holm


def measured(scores):
    """The mean over pairs, ``(S, P)`` scores, and its jackknife."""
    pairs = scores.shape[1]
    return Measured(scores.mean(axis=1), (scores.sum(axis=1, keepdims=True) - scores) / (pairs - 1))


def test_without_variance_over_pairs_it_is_the_paired_t_test_over_seeds():
    rng = np.random.default_rng(0)
    ours, other = rng.normal(2, 1, 6), rng.normal(0, 1, 6)
    both = [measured(np.repeat(values[:, None], 5000, axis=1)) for values in (ours, other)]
    found = effect(both[0].minus(both[1]))
    reference = stats.ttest_rel(ours, other)
    assert found.value == pytest.approx(np.mean(ours - other))
    assert found.freedom == pytest.approx(5)
    assert 2 * min(found.above(0), found.below(0)) == pytest.approx(reference.pvalue)
    assert found.interval(0.95) == pytest.approx(tuple(reference.confidence_interval(0.95)))


def test_without_variance_over_seeds_it_is_the_t_test_over_pairs():
    scores = np.random.default_rng(1).normal(1, 3, 40)
    found = effect(measured(np.repeat(scores[None], 4, axis=0)))
    assert found.freedom == 39
    assert found.error == pytest.approx(scores.std(ddof=1) / np.sqrt(40))
    assert found.interval(0.9) == pytest.approx(tuple(stats.ttest_1samp(scores, 0).confidence_interval(0.9)))


@pytest.mark.parametrize(("seeds", "pairs"), [(5, 30), (10, 80)])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds, pairs):
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(800):
        scores = 1 + 4 * rng.normal(size=(seeds, 1)) + 12 * rng.normal(size=pairs) + 8 * rng.normal(size=(seeds, pairs))
        low, high = effect(measured(scores)).interval(0.95)
        inside += low < 1 < high
    assert 0.93 < inside / 800 < 0.98


def test_tails():
    found = Effect(3.0, 1.5, np.inf)
    assert found.above(0) == pytest.approx(stats.norm.sf(2))
    assert found.below(6) == pytest.approx(stats.norm.sf(2))
    assert (Effect(1.0, 0.0, np.inf).above(0), Effect(0.0, 0.0, np.inf).above(0)) == (0.0, 1.0)


def test_holm_is_as_statsmodels_has_it():
    """The values are of statsmodels 0.15, multipletests(p, method="holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_two_methods_must_match_and_be_repeated():
    scores = np.zeros((3, 4))
    with pytest.raises(ValueError, match="same seeds and identity pairs"):
        measured(scores).minus(measured(scores[:2]))
    with pytest.raises(ValueError, match="at least 2 seeds"):
        effect(measured(scores[:1]))
