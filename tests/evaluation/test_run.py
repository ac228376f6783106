import numpy as np
import pytest

from deepfake_adv.evaluation import metrics, replicates
from deepfake_adv.evaluation.run import LEVELS, ROC_GRID, Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, to_scores

SETTINGS = Settings(resamples=200, confidence=0.95, seed=0)


@pytest.fixture
def measured(make_rows, to_table):
    def measure(settings=SETTINGS, **options):
        found = evaluate(all_test_sets(to_scores(to_table(make_rows(**options)))), settings)
        return {each.entry["test"]: each for each in found}

    return measure


def test_values_are_those_of_the_metrics(measured, make_rows):
    entry = measured()["DF_raw"].entry
    rows = [r for r in make_rows() if r["quality"] == "raw" and r["forgery"] in ("real", "DF")]
    scores = np.array([np.float32(r["score"]) for r in rows], dtype=np.float64)
    expected = metrics.all_metrics(scores, np.array([r["label"] for r in rows]))
    assert {name: entry["frame"][name]["value"] for name in expected} == pytest.approx(expected, abs=1e-6)
    for level in LEVELS:
        for name in ("auc", "acc"):
            number = entry[level][name]
            assert number["low"] <= number["value"] <= number["high"]
    assert entry["frames"] == {"real": 20, "fake": 20}
    assert entry["videos"] == {"real": 4, "fake": 4}


def test_replicates_are_kept_for_comparison(measured):
    kept = measured()["DF_raw"].entry["replicates"]
    assert len(replicates.unpack(kept["auc"])) == 200
    assert kept["sample"] == measured(train="NT_c40")["DF_raw"].entry["replicates"]["sample"]


def test_seeds_are_averaged(measured):
    entry = measured(seeds=(0, 1))["NT_c23"].entry
    number = entry["frame"]["auc"]
    assert entry["seeds"] == [0, 1]
    assert number["value"] == pytest.approx(np.mean(number["seeds"]), abs=1e-6)
    assert len(number["seeds"]) == 2


def test_no_resamples_leave_no_interval(measured):
    entry = measured(settings=Settings(0, 0.95, 0))["NT_c23"].entry
    assert entry["frame"]["auc"]["low"] is None
    assert "replicates" not in entry


def test_roc_and_calls(measured):
    each = measured()["NT_c23"]
    assert len(each.roc) == len(ROC_GRID)
    assert (np.diff(each.roc) >= -1e-12).all()
    assert each.roc[-1] == 1
    assert each.calls.shape == (8, 2)
    counts = each.entry["confusion"]
    assert sum(counts.values()) == 40


def test_same_input_same_output(measured):
    assert measured()["NT_c23"].entry == measured()["NT_c23"].entry
