"""The report's summary: intervals, differences to the baseline, order."""

import pytest

from deepfake_adv.reporting.measured import read_evaluations
from deepfake_adv.reporting.summary import summary


@pytest.fixture
def lines(project, runs):
    evaluations = read_evaluations(project / "reports/evaluation", dict(reversed(runs.items())))
    return summary(evaluations, runs, baseline="baseline", confidence=0.95)


def test_methods_are_in_the_papers_order_under_each_condition(lines):
    assert [(line.train, line.method) for line in lines] == [
        (train, method) for train in ("NT_raw", "NT_c23", "NT_c40") for method in ("baseline", "grad_bat")
    ]


def test_scores_separate_home_unseen_forgeries_and_unseen_qualities_and_have_intervals(lines, evaluation):
    line = next(line for line in lines if (line.run, line.train) == ("small_baseline", "NT_c23"))
    values = {
        entry["test"]: 100 * entry["frame"]["auc"]["value"]
        for entry in evaluation("small_baseline")["results"]
        if entry["train"] == "NT_c23" and entry["test"] != "real_native"  # which has no AUC
    }
    means = {
        "home": values["NT_c23"],
        "unseen_forgeries": (values["DF_c23"] + values["F2F_c23"] + values["FS_c23"]) / 3,
        "unseen_qualities": (values["NT_raw"] + values["NT_c40"]) / 2,
    }
    for name, value in means.items():
        assert line.scores[name].ours.value == pytest.approx(value)
        assert line.scores[name].ours.low < value < line.scores[name].ours.high
        assert line.scores[name].versus is None
    assert line.scores["unseen_datasets"] is None


def test_a_method_is_compared_with_the_baseline_of_its_condition(lines):
    base, own = (line for line in lines if line.train == "NT_raw")
    for name in ("home", "unseen_forgeries", "unseen_qualities"):
        score = own.scores[name]
        assert score.versus.value == pytest.approx(score.ours.value - base.scores[name].ours.value)
        assert score.versus.low <= score.versus.value <= score.versus.high
