"""What the report's figures show, before it is drawn."""

from pathlib import Path

import pytest

from deepfake_adv.reporting import all_figures
from deepfake_adv.reporting.all_figures import FIGURES
from deepfake_adv.reporting.measured import read_evaluations
from deepfake_adv.reporting.shown.base import Work, groups, numbered
from deepfake_adv.reporting.shown.heatmap import matrix
from deepfake_adv.reporting.shown.roc import roc_columns

HERE = Path(all_figures.__file__).parent


@pytest.fixture
def evaluations(project, runs):
    return read_evaluations(project / "reports/evaluation", runs)


def test_every_figure_has_a_section_of_the_page():
    page = (HERE / "template/page.jinja").read_text(encoding="utf-8")
    for figure in FIGURES:
        assert f'{{{{ figures("{figure.section}") }}}}' in page


def test_every_module_of_a_figure_is_named():
    modules = {path.stem for path in (HERE / "shown").glob("[a-z]*.py")} - {"base"}
    assert {figure.draw.__module__.rpartition(".")[2] for figure in FIGURES} == modules


def test_figures_of_a_kind_are_numbered():
    assert [numbered("roc", number) for number in range(3)] == ["roc", "roc-2", "roc-3"]


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("NT_c23", ["my_set_NT_c23", "my_set_DF_c23", "dfd_DFD_native"]),
        ("FF_c23", ["my_set_NT_c23", "my_set_DF_c23", "dfd_DFD_native", "my_set_FF_c23"]),
        ("FF_all", ["dfd_DFD_native", "my_set_DF_all"]),
    ],
)
def test_roc_panels_are_single_forgeries_at_the_training_quality_and_the_training_condition(train, expected):
    tests = ["NT_c23", "NT_c40", "DF_c23", "NT_c23", "DFD_native", "FF_c23", "DF_all"]
    entries = [{"train": train, "dataset": "dfd" if test == "DFD_native" else "my_set", "test": test} for test in tests]
    entries.append({"train": "NT_raw", "dataset": "my_set", "test": "NT_c23"})
    assert roc_columns(entries, train) == [f"{train}_to_{test}" for test in expected]


def test_matrix_has_every_condition_pooled_ones_last(evaluations):
    values, rows, columns = matrix(evaluations)
    assert values.shape == (2, 60)
    assert rows == ["small_baseline", "small_grad_bat"]
    of_raw = [test for train, test in columns if train == "NT_raw"]
    assert of_raw[:4] == ["DF_raw", "DF_c23", "DF_c40", "DF_all"]
    assert of_raw[-4:] == ["FF_raw", "FF_c23", "FF_c40", "FF_all"]


def test_a_condition_of_two_datasets_has_a_column_for_each():
    auc = {"auc": {"value": 0.5}}
    tests = [("a", "X_native", auc), ("b", "X_native", {"auc": {"value": 0.75}}), ("b", "Y_native", auc)]
    results = [{"train": "X_native", "dataset": name, "test": test, "frame": frame} for name, test, frame in tests]
    values, _, columns = matrix({"run": {"results": results}})
    assert [test for _, test in columns] == ["a X_native", "b X_native", "Y_native"]
    assert values.tolist() == [[50, 75, 50]]


def test_every_run_is_in_a_figure_of_curves_seven_at_most_in_each():
    results = {"results": [{"train": train} for train in ("NT_c23", "FF_all")]}
    evaluations = {f"run{k}": results if k else {"results": results["results"][:1]} for k in range(9)}
    detectors = {name: "a" if name != "run8" else "b" for name in evaluations}
    found = groups(Work(None, evaluations, detectors, None, 60))
    assert [(train, len(runs)) for train, runs in found] == [
        ("NT_c23", 7), ("NT_c23", 1), ("FF_all", 7), ("NT_c23", 1), ("FF_all", 1)
    ]  # fmt: skip
    assert {run for train, runs in found for run in runs if train == "NT_c23"} == set(evaluations)
