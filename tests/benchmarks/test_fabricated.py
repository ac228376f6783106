"""What `benchmarks.scale` makes up is of the paper profile's form."""

import json

import pytest

from benchmarks import fabricated
from benchmarks.common import RESULTS
from deepfake_adv.evaluation.run import Settings
from deepfake_adv.params.load import read_yaml, validate
from deepfake_adv.planning.training import conditions_tested, curves
from deepfake_adv.planning.workload import read_workload


@pytest.fixture
def paper(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without inventories
    return validate(read_yaml(fabricated.PROFILE), entries=False)


def test_a_run_is_tested_as_the_profile_tests_it(paper, tmp_path):
    fabricated.write_scores(tmp_path, 1500)
    measured, origin = fabricated.evaluated(tmp_path, Settings(5, 0.95, 0))
    assert len(measured) == conditions_tested(read_workload(paper), next(iter(paper.runs.values())))
    assert all("ratios" in each.entry for each in measured)
    assert list(origin["calibration"]) == list(origin["training"])
    assert len(next(iter(origin["training"].values()))["log"]["loss"]) == paper.train.epochs
    by_dataset = {each.entry["dataset"]: each.entry["drawn"]["kind"] for each in measured}
    assert by_dataset["dfd"] == "identities"  # as its names say; the others have too few videos here


def test_as_many_crops_as_the_profile_tests():
    found = sum(len(targets) * frames for *_, targets, _, frames in fabricated._tested(1.0))
    assert found == pytest.approx(fabricated._TESTED, rel=0.01)


def test_the_report_that_was_measured_drew_what_a_plan_counts(paper):
    steps = json.loads((RESULTS / "scale.json").read_text())["steps"]
    report = next(step for step in steps if step["step"] == "report")
    assert report["sizes"][-1] == len(paper.runs)
    assert report["facts"][-1]["curves"] == curves(paper)
