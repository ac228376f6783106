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
    assert entry["drawn"] == {"kind": "videos", "count": 8}


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


def test_reals_alone_are_measured_as_far_as_they_can_be(make_rows, to_table, caplog):
    alone = [row for row in make_rows(dataset="wild", qualities=("native",)) if row["label"] == 0]
    found = list(evaluate(all_test_sets(to_scores(to_table(make_rows() + alone))), SETTINGS))
    (each,) = (each for each in found if each.entry["dataset"] == "wild")
    called = np.array([np.float32(row["score"]) > 0.5 for row in alone])
    assert each.entry["test"] == "real_native"
    assert each.entry["frame"]["auc"] == {"value": None, "low": None, "high": None}
    assert each.entry["frame"]["fpr"]["value"] == pytest.approx(called.mean(), abs=1e-6)
    assert each.entry["frame"]["acc"]["value"] == pytest.approx(1 - called.mean(), abs=1e-6)
    assert each.entry["frame"]["fpr"]["low"] <= called.mean() <= each.entry["frame"]["fpr"]["high"]
    reason = "AUC, AP, EER and TPR are undefined, since there is no fake frame with a score"
    assert each.entry["undefined"] == reason
    assert f"NT_c23 tested on real_native of wild: {reason}" in caplog.text
    assert set(each.entry["replicates"]) == {"sample", "acc"}
    assert not [other.entry for other in found if other.entry["dataset"] != "wild" and "undefined" in other.entry]


def test_fakes_alone_have_an_accuracy_and_no_rate_of_false_alarms(make_rows, to_table):
    rows = [row for row in make_rows() if row["label"] and row["quality"] == "raw"]
    found = list(evaluate(all_test_sets(to_scores(to_table(rows))), SETTINGS))
    assert {each.entry["frame"]["auc"]["value"] for each in found} == {None}
    assert {each.entry["frame"]["fpr"]["value"] for each in found} == {None}
    assert all("no real frame" in each.entry["undefined"] for each in found)
    assert all(0 <= each.entry["frame"]["acc"]["value"] <= 1 for each in found)


def test_where_nothing_can_be_measured_is_reported(make_rows, to_table):
    rows = [row | {"score": float("nan")} for row in make_rows()]
    with pytest.raises(ValueError, match="scores must hold a frame that can be measured; got none with a finite score"):
        list(evaluate(all_test_sets(to_scores(to_table(rows))), SETTINGS))


def test_a_set_that_lost_all_its_frames_says_so_beside_others(make_rows, to_table):
    rows = [row | {"score": float("nan") if row["quality"] == "raw" else row["score"]} for row in make_rows()]
    found = {each.entry["test"]: each.entry for each in evaluate(all_test_sets(to_scores(to_table(rows))), SETTINGS)}
    assert found["NT_raw"]["undefined"] == "nothing is defined, since no frame has a score"
    assert "undefined" not in found["NT_c23"]
