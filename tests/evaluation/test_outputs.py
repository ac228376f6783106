import csv
import json

import pytest

from deepfake_adv.evaluation import outputs
from deepfake_adv.evaluation.headline import headline
from deepfake_adv.evaluation.run import Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, read_scores, to_scores
from deepfake_adv.files import write_json

SETTINGS = Settings(50, 0.95, 0)


@pytest.fixture
def measured(score_file):
    return list(evaluate(all_test_sets(read_scores(score_file)), SETTINGS))


def test_metrics_are_the_runs_headline(measured, tmp_path):
    outputs.write_metrics(tmp_path / "m.json", measured)
    assert json.loads((tmp_path / "m.json").read_text()) == headline([each.entry for each in measured])


def test_roc_file_draws_the_own_condition(measured, tmp_path):
    outputs.write_roc(tmp_path / "roc.csv", measured)
    rows = list(csv.DictReader((tmp_path / "roc.csv").read_text().splitlines()))
    assert all(row["tpr"] == row["NT_c23_to_corpus_NT_c23"] for row in rows)
    assert (float(rows[0]["fpr"]), float(rows[-1]["fpr"])) == (0, 1)


def test_confusion_has_a_row_per_video(measured, tmp_path):
    outputs.write_confusion(tmp_path / "c.csv", measured)
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    assert len(rows) == 8
    assert {row["actual"] for row in rows} == {"real", "fake"}


def test_evaluation_says_where_it_came_from(measured, tmp_path, score_file):
    write_json(tmp_path / "runs/NT_c23/seed0/run.json", {"device": "cpu", "versions": {"torch": "2"}})
    (tmp_path / "runs/NT_c23/seed0/log.csv").write_text("epoch,loss,val_auc\n0,0.7,nan\n1,0.5,\n")
    origin = outputs.provenance(score_file, tmp_path / "runs", SETTINGS)
    outputs.write_evaluation(tmp_path / "e.json", "demo", measured, origin)
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["provenance"]["training"]["NT_c23/seed0"]["device"] == "cpu"
    log = found["provenance"]["training"]["NT_c23/seed0"]["log"]
    assert log == {"epoch": [0, 1], "loss": [0.7, 0.5], "val_auc": [None, None]}
    assert found["provenance"]["settings"] == {"resamples": 50, "confidence": 0.95, "seed": 0}
    assert len(found["provenance"]["scores"]["fingerprint"]) == 16
    assert len(found["results"]) == len(measured)


@pytest.fixture
def of_reals(make_rows, to_table):
    rows = [row for row in make_rows(dataset="wild", qualities=("native",)) if row["label"] == 0]
    return list(evaluate(all_test_sets(to_scores(to_table(rows))), SETTINGS))


def test_one_class_alone_leaves_complete_files(of_reals, tmp_path):
    for name in ("metrics", "roc", "confusion"):
        getattr(outputs, f"write_{name}")(tmp_path / name, of_reals)
    found = json.loads((tmp_path / "metrics").read_text())
    assert found["frame"] == {"accuracy": round(100 * of_reals[0].entry["frame"]["acc"]["value"], 2)}
    assert (tmp_path / "roc").read_text() == "fpr,tpr\n"
    assert len((tmp_path / "confusion").read_text().splitlines()) == 1


def test_one_class_beside_others_has_no_curve(measured, of_reals, tmp_path):
    outputs.write_roc(tmp_path / "with", [*measured, *of_reals])
    outputs.write_roc(tmp_path / "without", measured)
    assert (tmp_path / "with").read_text() == (tmp_path / "without").read_text()
