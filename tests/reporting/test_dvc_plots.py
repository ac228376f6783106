"""The definitions of DVC's plots and the files that they read, drawn by DVC itself."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deepfake_adv.reporting.curve_files import write_curves
from deepfake_adv.reporting.dvc_plots import write_plots
from deepfake_adv.reporting.measured import read_evaluations

TEMPLATES = Path(__file__).parents[2] / ".dvc/plots"
RUNS = {"small_baseline": (["NT_raw", "NT_c23"], None), "small_grad_bat": (["NT_c23"], ["NT_c23", "DF_c23"])}
DATASETS = {"corpus": (["NT", "DF"], ["c23", "c40"]), "celeb": (["CelebDF"], ["native"])}


def definitions(path):
    return {name: plot for each in YAML(typ="safe").load(path.read_text())["plots"] for name, plot in each.items()}


def test_a_panel_names_condition_and_level(tmp_path):
    path = tmp_path / "reports/plots/dvc.yaml"
    write_plots(path, RUNS, DATASETS)
    plots = definitions(path)
    tests = [name.removeprefix("roc_NT_c23_to_") for name in plots if name.startswith("roc_NT_c23")]
    assert tests == ["corpus_NT_c23", "corpus_NT_c40", "corpus_NT_all", "corpus_DF_c23", "celeb_CelebDF_native"]
    plot = plots["roc_NT_c23_to_corpus_DF_c23"]
    assert plot["title"] == "ROC, frame level: trained on NT_c23, tested on DF_c23 of corpus"
    assert plot["y"] == {"../figures/curves/NT_c23_to_corpus_DF_c23.csv": "tpr"}


def test_what_no_run_is_tested_on_has_no_panel(tmp_path):
    path = tmp_path / "dvc.yaml"
    write_plots(path, {"small_grad_bat": RUNS["small_grad_bat"]}, DATASETS)
    assert list(definitions(path)) == ["roc_NT_c23_to_corpus_NT_c23", "roc_NT_c23_to_corpus_DF_c23"]


def test_what_did_not_change_is_not_written(tmp_path):
    path = tmp_path / "dvc.yaml"
    write_plots(path, RUNS, DATASETS)
    before = path.stat().st_mtime_ns
    write_plots(path, RUNS, DATASETS)
    assert path.stat().st_mtime_ns == before


@pytest.fixture
def curves(project, runs, tmp_path):
    folder = tmp_path / "reports/figures/curves"
    write_curves(project / "reports/roc", read_evaluations(project / "reports/evaluation", runs), folder)
    return folder


def test_a_panels_file_has_the_points_of_its_runs_alone(curves, project, runs):
    rows = list(csv.DictReader((curves / "NT_c23_to_corpus_DF_c23.csv").read_text().splitlines()))
    assert list(rows[0]) == ["run", "fpr", "tpr"]
    assert list(dict.fromkeys(row["run"] for row in rows)) == list(runs)
    own = list(csv.DictReader((project / "reports/roc/small_baseline.csv").read_text().splitlines()))
    assert [float(row["tpr"]) for row in rows if row["run"] == "small_baseline"] == pytest.approx(
        [float(row["NT_c23_to_corpus_DF_c23"]) for row in own]
    )
    assert not (curves / "NT_c23_to_corpus_FF_c23.csv").exists()


def test_dvc_draws_the_runs_in_one_panel_without_a_warning(curves, tmp_path):
    write_plots(
        tmp_path / "reports/plots/dvc.yaml",
        {name: (["NT_c23"], None) for name in RUNS},
        {"corpus": (["NT", "DF"], ["raw", "c23", "c40"])},
    )
    code = "import sys; from dvc.cli import main; sys.exit(main(sys.argv[1:]))"
    for words in (["init", "--no-scm", "-q"], ["plots", "show", "--json"]):
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        shutil.copytree(TEMPLATES, tmp_path / ".dvc/plots", dirs_exist_ok=True)
    found = json.loads(done.stdout)
    assert not found.get("errors")
    panels = {name: plot["content"] for name, (plot,) in found["data"].items()}
    assert len(panels) == 5
    panel = panels["roc_NT_c23_to_corpus_DF_c23"]
    points = panel["data"]["values"]
    assert {point["run"] for point in points} == set(RUNS)
    assert len(points[0]) <= 6  # a page has all of a point's fields, once per point
    assert (panel["encoding"]["color"]["field"], panel["encoding"]["y"]["field"]) == ("run", "tpr")
