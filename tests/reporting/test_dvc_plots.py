"""The definitions of DVC's plots, drawn by DVC itself."""

import json
import subprocess
import sys

from ruamel.yaml import YAML

from deepfake_adv.reporting.dvc_plots import write_plots

RUNS = {"small_baseline": ["NT_raw", "NT_c23"], "small_grad_bat": ["NT_c23"]}
DATASETS = {"corpus": (["NT", "DF"], ["c23", "c40"]), "celeb": (["CelebDF"], ["native"])}


def test_a_panel_names_condition_and_level_and_overlays_the_runs(tmp_path):
    path = tmp_path / "reports/plots/dvc.yaml"
    write_plots(path, RUNS, DATASETS)
    plots = {name: plot for each in YAML(typ="safe").load(path.read_text())["plots"] for name, plot in each.items()}
    tests = [name.removeprefix("roc_NT_c23_to_") for name in plots if name.startswith("roc_NT_c23")]
    assert tests == ["corpus_NT_c23", "corpus_NT_c40", "corpus_NT_all", "corpus_DF_c23", "celeb_CelebDF_native"]
    plot = plots["roc_NT_c23_to_corpus_DF_c23"]
    assert plot["title"] == "ROC, frame level: trained on NT_c23, tested on DF_c23 of corpus"
    assert plot["y"] == {f"../roc/{run}.csv": "NT_c23_to_corpus_DF_c23" for run in RUNS}
    assert list(plots["roc_NT_raw_to_corpus_NT_c40"]["y"]) == ["../roc/small_baseline.csv"]


def test_what_did_not_change_is_not_written(tmp_path):
    path = tmp_path / "dvc.yaml"
    write_plots(path, RUNS, DATASETS)
    before = path.stat().st_mtime_ns
    write_plots(path, RUNS, DATASETS)
    assert path.stat().st_mtime_ns == before


def test_dvc_draws_both_runs_in_one_panel(tmp_path, project):
    write_plots(
        tmp_path / "reports/plots/dvc.yaml", {"small_baseline": ["NT_c23"], "small_grad_bat": ["NT_c23"]}, DATASETS
    )
    roc = tmp_path / "reports/roc"
    roc.mkdir()
    for path in (project / "reports/roc").glob("*.csv"):
        (roc / path.name).write_bytes(path.read_bytes())
    code = "import sys; from dvc.cli import main; sys.exit(main(sys.argv[1:]))"
    for words in (["init", "--no-scm", "-q"], ["plots", "show", "--json"]):
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    drawn = json.loads(done.stdout)["data"]["roc_NT_c23_to_corpus_DF_c23"][0]
    points = drawn["content"]["data"]["values"]
    assert {point["filename"] for point in points} == {"small_baseline.csv", "small_grad_bat.csv"}
