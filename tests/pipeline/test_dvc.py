"""The promises of README and docs/how-to about `dvc repro`, each seen to hold on a tiny corpus."""

import csv
import json
from collections import Counter

import pytest
from pyarrow.dataset import dataset
from ruamel.yaml import YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

QUALITIES = ("raw", "c23", "c40")
ALWAYS = {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"}
RUNS = ("compact_baseline", "compact_grad_bat", "compact_two_gen_bat")
EXTRACT = {f"extract@corpus_{quality}" for quality in QUALITIES} | {"locate@corpus"}
CROP = {f"crop@corpus_{quality}" for quality in QUALITIES}
SHARD = {f"shard@{tier}" for tier in (*QUALITIES, "all")}
RUN_STAGES = {f"{stage}@{run}" for stage in ("train", "score", "evaluate") for run in RUNS}
STUDIED = {"studied@compact_baseline", "studied@compact_grad_bat"}
END = {"examples", "attack", "robustness", "tables", "report"}


def test_the_first_run_runs_every_stage_and_leaves_tables_and_a_report(project):
    assert project.first == ALWAYS | {"corpus"} | EXTRACT | CROP | SHARD | {"sources"} | RUN_STAGES | STUDIED | END
    tables = {path.name for path in (project.folder / "reports/tables").rglob("table_0*")}
    for number in ("01", "02"):
        assert {f"table_{number}.{kind}" for kind in ("md", "csv", "tex")} <= tables
    assert "<html" in (project.folder / "reports/report.html").read_text()


def test_a_second_run_runs_nothing_but_what_looks_outside(project):
    assert project.repro() == ALWAYS


def test_a_methods_key_reruns_its_runs_the_tables_and_the_report(edited):
    ran = edited({"methods.grad_bat.epsilon": 0.3})
    own = {f"{stage}@compact_grad_bat" for stage in ("train", "score", "evaluate")}
    assert ran == ALWAYS | own | {"sources", "studied@compact_grad_bat", "robustness", "tables", "report"}


def test_robustness_does_not_hang_on_runs_that_it_does_not_read(edited):
    ran = edited({"methods.two_gen_bat.lam": 0.5})
    own = {f"{stage}@compact_two_gen_bat" for stage in ("train", "score", "evaluate")}
    assert ran == ALWAYS | own | {"sources", "examples", "tables", "report"}


def test_the_crop_margin_reruns_crop_onward(edited):
    assert edited({"crop.margin": 1.5}) == ALWAYS | CROP | SHARD | RUN_STAGES | STUDIED | END


def test_a_balance_key_reruns_shard_onward(edited):
    ran = edited({"shard.max_frames": 5})
    assert ran >= SHARD
    assert not ran & (EXTRACT | CROP | {"corpus"})
    assert ran >= RUN_STAGES


def test_frames_per_video_rerun_extract_onward(edited):
    ran = edited({"datasets.corpus.frames.train": 5})
    assert ran >= EXTRACT
    assert ran >= CROP
    assert "corpus" not in ran


def test_a_key_that_stands_in_commands_is_seen_by_dvc_and_reruns_them(project, edited):
    """`score` and `evaluate` have their section in the command, so that DVC parses params.yaml less often."""
    own = {f"evaluate@{run}" for run in RUNS}
    project.set({"evaluate.resamples": 21})
    status = json.loads(project.call("dvc", "status", "--json", *sorted(own)))
    assert {name for name, changes in status.items() if "changed command" in changes} == own
    assert edited({}) == ALWAYS | own | {"tables", "report"}
    evaluated = json.loads((project.folder / "reports/evaluation/compact_baseline.json").read_text())
    assert '"resamples": 21' in json.dumps(evaluated)


def test_a_runs_own_recipe_retrains_it_and_what_it_is_tested_on_only_scores_it_again(project, edited):
    runs = YAML(typ="safe").load(project.params.read_text())["runs"]
    trained, tested = RUNS[1:]
    own = {
        trained: {**runs[trained], "train": {"learning_rate": 0.02}},
        tested: {**runs[tested], "test": {"frames": 1}},
    }
    ran = edited({"runs": {**runs, **own}})
    per_run = {name for name in ran if name in RUN_STAGES}
    assert per_run == {f"{stage}@{trained}" for stage in ("train", "score", "evaluate")} | {
        f"{stage}@{tested}" for stage in ("score", "evaluate")
    }
    record = json.loads((project.folder / f"data/runs/{trained}/NT_c23/seed0/run.json").read_text())
    assert record["params"]["train"]["learning_rate"] == 0.02


def test_a_report_option_reruns_the_report_alone(edited):
    assert edited({"report.dpi": 72}) == ALWAYS | {"report"}


def test_metrics_and_params_differ_by_run_and_read_well(project, edited):
    edited({"methods.grad_bat.epsilon": 0.35})
    params = json.loads(project.call("dvc", "params", "diff", "--json"))
    assert params["params.yaml"]["methods.grad_bat.epsilon"]["new"] == 0.35
    shown = project.call("dvc", "metrics", "show", "--md")
    assert all(f"reports/metrics/{run}.json" in shown for run in RUNS)
    project.call("dvc", "metrics", "diff", "--md")


def test_the_graph_and_the_plots_are_drawn(project):
    graph = project.call("dvc", "dag", "--collapse-foreach-matrix")
    for stage in ("corpus", "extract", "locate", "crop", "shard", "train", "score", "evaluate", "tables", "report"):
        assert f" {stage} " in graph
    project.call("dvc", "plots", "show", "-o", "plots")
    assert "vega" in (project.folder / "plots" / "index.html").read_text()


def test_an_edit_of_a_metric_does_not_retrain(project):
    path = project.folder / "deepfake_adv" / "evaluation" / "metrics.py"
    before = path.read_text()
    path.write_text(before + "\nEDITED = True\n")
    try:
        ran = project.repro()
    finally:
        path.write_text(before)
        project.repro()
    assert {"sources"} | {f"evaluate@{run}" for run in RUNS} <= ran
    assert not {stage for stage in ran if stage.startswith(("train", "score", "crop", "extract", "corpus"))}


def test_mistyped_params_stop_with_every_error_in_one_message(project):
    before = project.params.read_text()
    project.params.write_text(before.replace("margin: 1.3", "margn: 1.3").replace("dpi:", "dpo:"))
    try:
        message = project.call("dvc", "repro", code=255)
    finally:
        project.params.write_text(before)
    assert "did you mean 'margin'" in message.lower()
    assert "did you mean 'dpi'" in message.lower()
    assert "Traceback" not in message


def test_every_frame_requested_is_accounted_for(project):
    with open(project.folder / "data/inventory/report.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["quality"] for row in rows} == set(QUALITIES)
    assert all(row["present"] == row["expected"] for row in rows)
    with open(project.folder / "data/faces/corpus/misses.csv") as stream:
        dropped = {(row["video"], int(row["frame"])) for row in csv.DictReader(stream) if row["action"] == "dropped"}
    for quality in QUALITIES:
        asked = frames_in(project.folder / f"data/frames/corpus/{quality}/frames.parquet")
        kept = frames_in(project.folder / f"data/crops/corpus/{quality}")
        assert not kept & dropped
        assert kept | (dropped & asked) == asked
        per_video = Counter(video for video, _ in asked)
        with open(project.folder / f"data/frames/corpus/{quality}/videos.csv") as stream:
            wanted = {row["video"]: {"train": 6, "val": 4, "test": 4}[row["split"]] for row in csv.DictReader(stream)}
        assert per_video == wanted


def frames_in(path):
    table = dataset(path, format="parquet", exclude_invalid_files=True).to_table(["video", "frame"])
    return set(zip(table["video"].to_pylist(), table["frame"].to_pylist(), strict=True))


def test_a_seed_more_trains_that_one_alone(project, edited):
    """A detector's times are written when it is trained, and at no other time."""
    name = "compact_baseline"
    kept, times = (project.folder / place / name / "NT_c23" for place in ("data/runs", "reports/times"))
    before = {path: path.read_bytes() for path in (kept / "seed0").rglob("*") if path.is_file()}
    written = (times / "seed0.csv").stat().st_mtime_ns
    assert f"train@{name}" in edited({"train.seeds": [0, 1]})
    assert {path: path.read_bytes() for path in (kept / "seed0").rglob("*") if path.is_file()} == before
    assert (times / "seed0.csv").stat().st_mtime_ns == written
    assert (kept / "seed1/run.json").exists()
    edited({"train.seeds": [1], "robustness.seed": 1})
    assert [path.name for path in kept.iterdir()] == ["seed1"]
