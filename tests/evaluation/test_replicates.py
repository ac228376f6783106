import numpy as np
import pytest

from deepfake_adv.evaluation.replicates import over_seeds, pack, unpack


def test_packing_keeps_values_to_a_hundred_thousandth():
    values = np.append(np.random.default_rng(0).random(1000), [0, 1, np.nan])
    back = unpack(pack(values))
    assert back == pytest.approx(values, abs=1e-5, nan_ok=True)
    assert len(pack(values)) < 3 * len(values)


def test_only_fractions_are_packed():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        pack(np.array([0.5, 98.7]))


def test_one_seed_is_left_as_it_is():
    values = np.arange(5) / 10
    assert (over_seeds([values], seed=0) == values).all()


@pytest.mark.parametrize("levels", [(0.6, 0.8), (0.5, 0.65, 0.8), (0.4, 0.5, 0.7, 0.75, 0.8)])
def test_several_seeds_add_the_standard_error_of_their_mean(levels):
    rng = np.random.default_rng(0)
    combined = over_seeds([level + rng.normal(0, 0.01, 4000) for level in levels], seed=0)
    assert combined.mean() == pytest.approx(np.mean(levels), abs=0.01)
    assert combined.std() == pytest.approx(np.std(levels, ddof=1) / np.sqrt(len(levels)), rel=0.05)


def test_equally_many_seeds_share_their_draws():
    rng = np.random.default_rng(1)
    one = [rng.random(50) for _ in range(3)]
    assert over_seeds([each + 0.1 for each in one], 0) - over_seeds(one, 0) == pytest.approx(np.full(50, 0.1))
