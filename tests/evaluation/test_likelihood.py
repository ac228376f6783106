import numpy as np
import pytest

from deepfake_adv.evaluation.bounds import empirical_bounds
from deepfake_adv.evaluation.likelihood import Block, cllr, cllr_min, costs, pav_blocks

# Measured with lir 1.3.1 of the Netherlands Forensic Institute on what `drawn` makes: reals, fakes, distance,
# spread -> lower and upper ELUB, Cllr, its minimum.
LIR = {
    (4, 4, 3, 1): (-0.47, 0.48, 0.238104, 0.0),
    (20, 30, 2, 1): (-0.64, 0.73, 0.541583, 0.300663),
    (140, 140, 4, 2): (-1.59, 1.26, 0.562266, 0.501017),
    (140, 560, 1, 1): (-0.75, 0.67, 0.823238, 0.78285),
    (10, 10, 8, 0.5): (-0.99, 1.0, 0.015942, 0.0),
    (50, 50, -0.5, 1): (0.0, 0.0, 1.306681, 0.987549),
    (200, 40, 3, 3): (-0.21, 0.3, 1.414023, 0.820288),
}


def drawn(seed, reals, fakes, distance, spread):
    rng = np.random.default_rng(seed)
    means = (-distance / 4, reals), (distance / 4, fakes)
    ratios = np.concatenate([rng.normal(mean, spread / 2, count) for mean, count in means])
    return np.round(ratios, 3), np.repeat([0, 1], [reals, fakes])


@pytest.mark.parametrize(("seed", "case"), list(enumerate(LIR)))
def test_costs_and_bounds_are_those_of_lir(seed, case):
    ratios, labels = drawn(seed, *case)
    lower, upper, cost, least = LIR[case]
    assert empirical_bounds(ratios, labels) == pytest.approx((lower, upper), abs=0.011)  # one step of the search
    assert float(cllr(ratios, labels)) == pytest.approx(cost, abs=1e-6)
    assert cllr_min(pav_blocks(ratios, labels)) == pytest.approx(least, abs=1e-6)


def test_no_information_costs_one_and_ratios_without_end_are_finite():
    labels = np.array([0, 0, 1])
    assert float(cllr(np.zeros(3), labels)) == 1
    assert float(cllr(np.array([-np.inf, -np.inf, np.inf]), labels)) == pytest.approx(0)
    assert costs(np.array([np.inf]), np.array([0]))[0] == pytest.approx(300 * np.log2(10))


def test_a_missing_class_leaves_nothing_defined():
    assert np.isnan(cllr(np.zeros(2), np.ones(2, int)))
    assert pav_blocks(np.zeros(2), np.ones(2, int)) == []
    assert np.isnan(cllr_min([]))


def test_weights_stand_for_repeated_videos():
    ratios, labels = drawn(0, 5, 6, 2, 1)
    weights = np.random.default_rng(0).integers(1, 4, (3, 11))
    expected = [float(cllr(np.repeat(ratios, each), np.repeat(labels, each))) for each in weights]
    assert cllr(ratios, labels, weights) == pytest.approx(expected)


def test_blocks_rise_and_pool_what_is_out_of_order():
    ratios = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert pav_blocks(ratios, np.array([0, 1, 0, 1, 1])) == [Block(-2, 1, 0), Block(-0.5, 1, 1), Block(1.5, 0, 2)]
    tied = pav_blocks(np.zeros(4), np.array([1, 0, 0, 1]))
    assert tied == [Block(0, 2, 2)]


def test_bounds_are_no_wider_than_independent_videos_allow():
    ratios, labels = np.repeat([-9.0, 9.0], 100), np.repeat([0, 1], 100)
    lower, upper = empirical_bounds(ratios, labels)
    assert -2.01 < lower < -1.9
    assert 1.9 < upper < 2.01
    lower, upper = empirical_bounds(ratios, labels, reals=9, fakes=4)
    assert -lower <= np.log10(5)
    assert upper <= 1
