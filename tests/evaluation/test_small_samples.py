import numpy as np
import pytest
from scipy import stats

from deepfake_adv.evaluation.bootstrap import interval
from deepfake_adv.evaluation.small_samples import contracted, expanded, student_quantile


@pytest.mark.parametrize(("freedom", "error"), [(2, 0.015), (5, 1e-3), (11, 1e-4), (139, 1e-6)])
def test_quantiles_are_students(freedom, error):
    for share in (0.025, 0.05, 0.5, 0.975):
        assert student_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=error, abs=1e-12)


def test_percentiles_of_few_units_are_further_out():
    assert expanded(0.025, 24) == pytest.approx(stats.norm.cdf(np.sqrt(24 / 23) * stats.t.ppf(0.025, 23)), rel=1e-4)
    assert expanded(0.025, 8) < expanded(0.025, 24) < expanded(0.025, 10_000) == pytest.approx(0.025, rel=1e-3)
    assert expanded(0.5, 3) == 0.5


@pytest.mark.parametrize("units", [5, 24, 1000])
def test_contracting_undoes_expanding(units):
    for tail in (0.01, 0.1, 0.5):
        assert contracted(expanded(tail, units), units) == pytest.approx(tail, rel=1e-6)


def test_an_interval_of_normal_replicates_is_students():
    """Means of eight normal values: half the width is t times the standard error."""
    values = np.random.default_rng(0).normal(size=8)
    drawn = np.random.default_rng(1).multinomial(8, [1 / 8] * 8, size=100_000) @ values / 8
    low, high = interval(drawn, 0.95, 8)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8), rel=0.04)
    assert np.isnan(interval(drawn, 0.95, 1)).all()
