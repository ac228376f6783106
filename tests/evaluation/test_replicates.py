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


def test_several_seeds_add_their_spread():
    rng = np.random.default_rng(0)
    low, high = 0.6 + rng.normal(0, 0.01, 4000), 0.8 + rng.normal(0, 0.01, 4000)
    combined = over_seeds([low, high], seed=0)
    assert combined.mean() == pytest.approx(0.7, abs=0.01)
    assert combined.std() == pytest.approx(0.1 / np.sqrt(2), abs=0.01)
