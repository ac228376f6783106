import numpy as np
import pytest
from scipy import stats

from deepfake_adv.evaluation.delong import delong_test
from deepfake_adv.evaluation.metrics import auc, curve

LABELS = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])
FIRST = np.array([0.1, 0.4, 0.35, 0.5, 0.2, 0.4, 0.8, 0.65, 0.9])
SECOND = np.array([0.3, 0.2, 0.6, 0.1, 0.7, 0.5, 0.45, 0.75, 0.3])


def by_definition(first, second, labels):
    """DeLong et al. 1988: the covariance of the components V10 and V01 of each detector."""
    wins = []
    for scores in (first, second):
        fake, real = scores[labels == 1][:, None], scores[labels == 0]
        wins.append((fake > real) + 0.5 * (fake == real))
    s10, s01 = (np.cov(np.stack([each.mean(axis) for each in wins])) for axis in (1, 0))
    s = s10 / (labels == 1).sum() + s01 / (labels == 0).sum()
    difference = wins[1].mean() - wins[0].mean()
    return difference, np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])


def test_it_is_the_papers_definition_with_ties():
    rng = np.random.default_rng(0)
    for items in (12, 80):
        labels = np.arange(items) % 3 // 2
        first, second = rng.normal(labels, 1).round(1), rng.normal(labels, 1).round(1)
        difference, deviation = by_definition(first, second, labels)
        found = delong_test(first, second, labels)
        assert (found.value, found.deviation) == pytest.approx((difference, deviation), abs=1e-12)
        assert found.value == pytest.approx(auc(curve(second, labels)) - auc(curve(first, labels)))
        assert found.p == pytest.approx(2 * stats.norm.sf(abs(difference / deviation)))
        assert found.z == pytest.approx(difference / deviation)


def test_it_gives_the_values_of_another_implementation():
    """By the package pauc, 0.2.2, which has the difference the other way round."""
    found = delong_test(FIRST, SECOND, LABELS)
    assert (found.value, found.z, found.p) == pytest.approx((-0.25, -1.0250796, 0.3053257), abs=1e-6)


def test_several_seeds_are_averaged_as_their_aucs():
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 2
    first, second = rng.normal(labels, 1, (3, 60)), rng.normal(labels, 1, (2, 60))
    found = delong_test(first, second, labels)
    means = [np.mean([auc(curve(scores, labels)) for scores in side]) for side in (first, second)]
    assert found.value == pytest.approx(means[1] - means[0])
    assert delong_test(np.stack([first[0]] * 4), second[0], labels) == pytest.approx(
        delong_test(first[0], second[0], labels)
    )


def test_p_values_are_even_where_nothing_differs():
    rng = np.random.default_rng(2)
    labels = np.arange(80) % 2
    found = [delong_test(*rng.normal(labels, 1, (2, 80)), labels).p for _ in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_without_variance_the_answer_is_exact():
    perfect, inverted = LABELS + 0.0, 1.0 - LABELS
    assert delong_test(perfect, perfect * 3, LABELS) == (0, 0, 0, 1)
    assert delong_test(perfect, inverted, LABELS) == (-1, 0, -np.inf, 0)


def test_what_cannot_be_compared_is_undefined_or_refused():
    assert np.isnan(delong_test(FIRST[4:6], SECOND[4:6], LABELS[4:6])).all()
    with pytest.raises(ValueError, match=r"scores must be one per label \(9\); got 9 and 8"):
        delong_test(FIRST, SECOND[:8], LABELS)
