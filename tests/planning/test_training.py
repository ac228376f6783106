"""What a run's detectors are tested on, so what its evaluation takes and leaves, and what the report draws of it."""

import pytest

from deepfake_adv.params.training import Run
from deepfake_adv.planning.training import RunCost, conditions_tested, curves, report_costs, training_costs
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


def cost_of(trainings=1, conditions=22, tested=100.0, trained=1):
    """A run without a calibration."""
    return RunCost(
        "a", trainings, tested, conditions, trained * conditions, None, None, 0.0, 0.0, 0.0, 0.0, None
    )  # fmt: skip


@pytest.fixture
def evaluation(profile, workload, rates):
    """What the evaluation of a run costs."""

    def cost(resamples, run, stages=0):
        params = profile("paper", evaluate__resamples=resamples)
        *_, found = training_costs(params, workload, rates, [run], on_gpus=False, stages=stages)
        assert found.stage == "evaluate"
        return found

    return cost


def test_an_evaluation_leaves_a_result_per_pair_of_conditions_whatever_the_seeds(evaluation):
    assert evaluation(0, cost_of(conditions=2)).left == pytest.approx(2 * 1e-3)
    assert evaluation(1000, cost_of(conditions=2)).left == pytest.approx(2 * (1 + 1e-3))
    assert evaluation(0, cost_of(trainings=3, conditions=2, trained=3)).left == pytest.approx(3 * 2 * 1e-3)
    assert evaluation(0, cost_of(trainings=3, conditions=2)).left == pytest.approx(2 * 1e-3)


def test_an_evaluation_takes_its_start_its_conditions_and_its_crops(evaluation):
    start = evaluation(0, cost_of(conditions=0, tested=0)).cpu_s
    assert evaluation(0, cost_of(conditions=2, tested=0)).cpu_s == pytest.approx(start + 2e-3)
    assert evaluation(0, cost_of(trainings=3, conditions=2, tested=0)).cpu_s == pytest.approx(start + 6e-3)
    assert evaluation(1000, cost_of(conditions=2, tested=5)).cpu_s == pytest.approx(start + 7 * (1e-3 + 1))


def test_a_stage_checks_the_lock_that_train_all_writes_once_a_minute(evaluation):
    for resamples, share in ((0, 0.1), (100_000, 1.0)):
        run = cost_of(conditions=0, tested=6000.0)  # 6 s, or 10 minutes with resamples
        without, found = (evaluation(resamples, run, stages).cpu_s for stages in (0, 300))
        assert found - without == pytest.approx(share * 300 * 1e-3, rel=0.01)


def test_the_report_draws_figures_of_curves_by_detector_and_training_condition(profile):
    """The profile has 21 groups of at most seven runs, each with ROC curves and with training curves."""
    assert curves(profile("paper")) == 2 * 21
    assert curves(profile("paper", train__seeds=[0, 1, 2])) > 3 * 21


def test_a_report_takes_its_figures_and_its_results(profile, rates):
    def seconds(**alone):
        rates._values |= {"start.report.cpu_s": 0.0, "report.constant": 0.0, "report.figure": 0.0}
        rates._values |= {"report.condition": 0.0} | alone
        costs = report_costs(profile("paper"), rates, [cost_of(), cost_of()], stages=0)
        return next(cost.cpu_s for cost in costs if cost.stage == "report")

    assert seconds() == 0
    assert seconds(**{"report.figure": 0.5}) == pytest.approx(21)
    assert seconds(**{"report.condition": 0.5}) == pytest.approx(22)
