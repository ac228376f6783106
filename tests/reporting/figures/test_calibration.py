import csv

import numpy as np
import pytest

from deepfake_adv.reporting.evidence import strengths
from deepfake_adv.reporting.figures.calibration import draw_calibration, draw_costs, found_ratios
from deepfake_adv.reporting.shown import calibration
from deepfake_adv.reporting.shown.base import Work


@pytest.fixture
def tests(evaluation, runs):
    return calibration.ratios_by_test({run: evaluation(run) for run in runs}, "NT_c23", runs)[0]


def table(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_home_and_what_calibration_was_not_made_for_are_drawn(tests, runs, tmp_path):
    assert set(tests) == {
        *(f"corpus {forgery} c23" for forgery in ("NT", "DF", "F2F", "FS")), "corpus NT raw", "corpus NT c40",
        "wild real native",
    }  # fmt: skip
    assert next(iter(tests)) == "corpus NT c23"
    assert draw_calibration(tests, tmp_path, dpi=60)
    rows = table(tmp_path / "calibration.csv")
    assert {row["condition"] for row in rows} == set(tests) - {"wild real native"}
    assert {row["run"] for row in rows} == set(runs)
    assert draw_costs(tests, tmp_path, dpi=60)
    costs = {(row["condition"], row["run"]): float(row["Cllr"]) for row in table(tmp_path / "cllr.csv")}
    home, unseen = (costs[f"corpus {test}", "small_baseline"] for test in ("NT c23", "FS c23"))
    assert home < unseen
    assert (tmp_path / "cllr.svg").exists()


def test_every_run_of_every_training_is_drawn_and_tests_that_are_not_are_counted(
    evaluation, runs, tmp_path, monkeypatch
):
    figures = {}
    for draw in ("draw_calibration", "draw_costs"):
        monkeypatch.setattr(
            calibration, draw, lambda tests, folder, *, dpi, name: figures.update({name: tests}) or True
        )
    many = {f"{run}{copy}": evaluation(run) for run in runs for copy in range(4)}
    work = Work(None, many, dict.fromkeys(many, "small"), tmp_path, 60)
    captions = {
        shown.name: shown.caption for kind in (calibration.COSTS, calibration.RATIOS) for shown in kind.draw(work)
    }
    for kind in ("cllr", "calibration"):
        drawn = [
            (caption.partition("calibrated on ")[2][:6].strip(":,"), run)
            for name, caption in captions.items() if name.startswith(kind)
            for run in dict.fromkeys(run for test in figures[name].values() for run in test)
        ]  # fmt: skip
        assert sorted(drawn) == sorted((train, run) for train in ("NT_c23", "NT_raw", "NT_c40") for run in many)
    tested = {(entry["dataset"], entry["test"]) for entry in evaluation("small_baseline")["results"]}
    near, others = calibration.ratios_by_test(many, "NT_c23", many)
    assert len(near) + others == len(tested)
    assert all(
        f"The numbers of {others} further tests are in reports/evaluation." in text for text in captions.values()
    )


def test_a_training_on_every_quality_has_every_quality_at_home(evaluation):
    found = evaluation("small_baseline")
    results = [{**entry, "train": "NT_all"} for entry in found["results"] if entry["train"] == "NT_c23"]
    tests, _ = calibration.ratios_by_test({"run": {**found, "results": results}}, "NT_all", ["run"])
    assert {"corpus FS raw", "corpus FS c40", "corpus NT c40"} <= set(tests)


def test_found_ratios_are_finite_where_a_class_is_missing():
    found = found_ratios([[-1, 9, 0], [0, 1, 1], [1, 0, 9]])
    assert found == pytest.approx(np.log10([0.5 / 9.5, 1, 9.5 / 0.5]), abs=1e-3)


def test_nothing_is_drawn_without_ratios(tmp_path):
    assert not draw_calibration({}, tmp_path, dpi=60)
    assert not draw_costs({}, tmp_path, dpi=60)
    assert not list(tmp_path.iterdir())


def test_the_table_has_a_row_per_test(evaluation, runs):
    head, *rows = strengths({run: evaluation(run) for run in runs})
    alone = [row for row in rows if row[3] == "real_native"]
    assert len(head) == len(rows[0]) == 11
    assert len(rows) == sum(len(evaluation(run)["results"]) for run in runs)
    assert {tuple(row[4:7]) for row in alone} == {("", "", "")}
    assert all(row[7] and not row[9] for row in alone)
    assert strengths({}) == []
