"""What a run's detectors are tested on, and so what its evaluation leaves."""

import pytest

from deepfake_adv.params.training import Run
from deepfake_adv.planning.training import RunCost, conditions_tested, training_costs
from deepfake_adv.planning.workload import read_workload


@pytest.fixture
def workload(profile):
    return read_workload(profile("paper"))


def run_of(**test):
    return Run(method="baseline", detector="efficientnet", tier="c23", conditions=["NT_c23"], test=test)


def test_a_run_is_tested_on_all_that_its_videos_allow(workload):
    """Four forgeries and all of them pooled, at three qualities and all of these pooled; DFD; Celeb-DF."""
    assert conditions_tested(workload, run_of()) == 5 * 4 + 2


def test_a_run_that_names_its_test_conditions_has_these_alone(workload):
    assert conditions_tested(workload, run_of(conditions=["NT_c23", "DF_c23", "FF_all"])) == 3


def test_an_evaluation_grows_with_conditions_and_resamples(profile, workload, rates):
    def left(resamples, conditions):
        params = profile("paper", evaluate__resamples=resamples)
        *_, cost = training_costs(params, workload, rates, [run(conditions)], on_gpus=False, stages=0)
        assert cost.stage == "evaluate"
        return cost.left

    def run(conditions):
        return RunCost("a", 3, 100.0, conditions, None, None, 0.0, 0.0, 0.0, 0.0, None)

    assert left(0, 2) == pytest.approx(3 * 2 * 1e-3)
    assert left(1000, 2) == pytest.approx(3 * 2 * (1 + 1e-3))
    assert left(0, 4) == pytest.approx(2 * left(0, 2))
