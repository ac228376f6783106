import numpy as np
import pytest

from deepfake_adv.evaluation.threshold import threshold_at

NAMES = [str(number) for number in range(100)]


def test_the_rate_holds_on_average_and_lies_in_its_interval():
    rng = np.random.default_rng(0)
    found = [threshold_at(rng.random(39), NAMES[:39], 0.1, 0.9) for _ in range(400)]
    true = np.array([1 - each.score for each in found])  # scores are uniform: this is the rate that each really has
    assert true.mean() == pytest.approx(0.1, abs=0.01)
    inside = [each.low <= rate <= each.high for each, rate in zip(found, true, strict=True)]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.04)


def test_too_few_people_keep_no_rate():
    few = threshold_at(np.array([0.1, 0.2, 0.3, 0.4]), NAMES[:4], 0.05, 0.95)
    assert (few.score, few.reals, few.needed) == (None, 4, 19)
    assert threshold_at(np.linspace(0, 1, 19), NAMES[:19], 0.05, 0.95).score == 1
    assert threshold_at(np.array([0.1, 0.2, 0.3, 0.4]), NAMES[:4], 0.2, 0.95).score == 0.4


def test_a_person_counts_once_by_the_highest_score():
    found = threshold_at(np.array([0.1, 0.9, 0.2, 0.3, 0.4]), ["a", "a", "b", "c", "d"], 0.2, 0.95)
    assert (found.score, found.reals) == (0.9, 4)


@pytest.mark.parametrize("rate", [0, 1, -0.1])
def test_a_rate_is_a_share(rate):
    with pytest.raises(ValueError, match="false_positive_rate must be above 0 and below 1"):
        threshold_at(np.array([0.1]), ["a"], rate, 0.95)
