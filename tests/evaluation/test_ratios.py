import json
import logging

import numpy as np
import pytest

from deepfake_adv.evaluation.headline import headline
from deepfake_adv.evaluation.likelihood import cllr
from deepfake_adv.evaluation.ratios import measure_ratios
from deepfake_adv.evaluation.run import Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, to_scores
from deepfake_adv.evaluation.support import read_support, read_supports
from deepfake_adv.files import write_json


def validation(count=30, shift=3.0, seed=0):
    """Lines of reference.json whose scores are as far apart as those of NT in `make_rows`."""
    rng = np.random.default_rng(seed)
    return [
        {"dataset": "corpus", "target": str(k), "label": label, "frames": 5,
         "score": float(1 / (1 + np.exp(-rng.normal(shift * label - 1, 0.8))))}
        for k in range(count) for label in (0, 1)
    ]  # fmt: skip


@pytest.fixture
def supports(tmp_path):
    def make(seeds=(0,), lines=None, rate=0.1):
        for seed in seeds:
            content = {"videos": validation(seed=seed) if lines is None else lines}
            write_json(tmp_path / f"run/NT_c23/seed{seed}/reference.json", content)
        return read_supports(tmp_path / "run", rate, 0.95)

    return make


@pytest.fixture
def measured(make_rows, to_table, supports):
    def measure(resamples=100, seeds=(0,), **options):
        sets = all_test_sets(to_scores(to_table(make_rows(seeds=seeds, videos=12, **options))))
        found = evaluate(sets, Settings(resamples, 0.95, 0), supports(seeds))
        return {each.entry["test"]: each.entry for each in found}

    return measure


def test_calibration_holds_at_home_and_fails_on_unseen_forgeries(measured):
    found = measured()
    home, unseen = found["NT_c23"]["ratios"], found["FS_c23"]["ratios"]
    assert home["cllr"]["value"] < 0.6
    assert unseen["cllr"]["value"] > 1  # worse than to say nothing
    assert home["cllr_min"] < unseen["cllr_min"] <= 1
    for ratios in (home, unseen):
        assert ratios["cllr_min"] <= ratios["cllr"]["value"]
        assert ratios["cllr"]["low"] < ratios["cllr"]["value"] < ratios["cllr"]["high"]
        assert sum(reals for _, reals, _ in ratios["plot"]) == 12
        assert ratios["threshold"]["fpr"]["low"] <= ratios["threshold"]["fpr"]["value"] <= 0.3
    assert home["threshold"]["tpr"]["value"] > unseen["threshold"]["tpr"]["value"]
    json.dumps(found, allow_nan=False)


def test_values_are_those_of_the_videos_ratios(make_rows, to_table, supports):
    sets = {str(each.test): each for each in all_test_sets(to_scores(to_table(make_rows())))}
    home, known = sets["NT_c23"], supports()["NT_c23", 0]
    sample = home.videos[0]
    drawn = home.units.draw(50, 0)
    found = measure_ratios({0: sample}, {0: known}, drawn, units=home.units.count(), confidence=0.9, seed=0)
    stated = known.calibration.log10_lr(sample.scores)
    assert found["cllr"]["value"] == pytest.approx(float(cllr(stated, sample.labels)), abs=1e-6)
    called = sample.scores > known.threshold.score
    assert found["threshold"]["tpr"]["value"] == pytest.approx(called[sample.labels == 1].mean())
    assert found["threshold"]["fpr"]["value"] == pytest.approx(called[sample.labels == 0].mean())


def test_seeds_are_averaged_and_no_resamples_leave_no_interval(measured):
    one, two = measured(), measured(resamples=0, seeds=(0, 1))
    assert two["NT_c23"]["ratios"]["cllr"]["low"] is None
    assert two["NT_c23"]["ratios"]["cllr"]["value"] != one["NT_c23"]["ratios"]["cllr"]["value"]
    assert sum(fakes for *_, fakes in two["NT_c23"]["ratios"]["plot"]) == 24


def test_no_threshold_where_validation_keeps_no_such_rate(make_rows, to_table, supports):
    found = evaluate(all_test_sets(to_scores(to_table(make_rows()))), Settings(10, 0.95, 0), supports(rate=0.001))
    assert next(found).entry["ratios"]["threshold"] is None


def test_reals_alone_have_a_false_positive_rate_and_no_cost(make_rows, to_table, supports):
    rows = [row for row in make_rows() if row["label"] == 0]
    (found, *_) = evaluate(all_test_sets(to_scores(to_table(rows))), Settings(10, 0.95, 0), supports())
    ratios = found.entry["ratios"]
    assert (ratios["cllr"]["value"], ratios["cllr_min"], ratios["plot"]) == (None, None, [])
    assert ratios["threshold"]["fpr"]["value"] is not None
    assert ratios["threshold"]["tpr"]["value"] is None


def test_unseen_forgeries_cost_more_and_the_headline_stays_at_eight_columns(measured):
    found = measured()
    costs = {name: entry["ratios"]["cllr"]["value"] for name, entry in found.items()}
    assert min(costs[name] for name in costs if name.startswith("DF")) > costs["NT_c23"]
    assert set(headline(list(found.values()))) == {"frame", "video"}


def test_a_run_that_cannot_be_calibrated_is_evaluated_without(supports, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert supports(lines=[line | {"score": None} for line in validation(2)]) == {}
    assert "no likelihood ratios" in caplog.text
    assert read_support(tmp_path / "nowhere", 0.05, 0.95) is None
