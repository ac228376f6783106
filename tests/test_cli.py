"""The command line: what it prints, and one message where something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from deepfake_adv import __version__, cli
from deepfake_adv.cli import app


@pytest.fixture
def call(monkeypatch, tmp_path_factory):
    """The command line in a folder with the profiles, the demo's as its params.yaml."""
    folder, root = tmp_path_factory.mktemp("project"), Path(__file__).parents[1]
    shutil.copytree(root / "profiles", folder / "profiles")
    shutil.copy(root / "profiles/demo.yaml", folder / "params.yaml")
    monkeypatch.chdir(folder)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(("arguments", "file"), [([], "params.yaml"), (["--profile", "paper"], "profiles/paper.yaml")])
def test_check_names_the_file_and_finds_no_error(call, arguments, file):
    done = call("check", *arguments)
    assert done.exit_code == 0
    assert done.output.startswith(f"{file}: profile ")
    assert done.output.rstrip().endswith("no errors found")


def own_videos(folder, lines):
    """Params of a table of videos, with one run on it; gives the folder of the videos."""
    yaml = YAML()
    content = yaml.load(Path("profiles/demo.yaml").read_text(encoding="utf-8"))
    content["datasets"] = {"mine": {"layout": "csv", "root": str(folder)}}
    content |= {"parts": {"mine": {"dataset": "mine", "quality": "native"}}, "tiers": ["all"]}
    run = {
        "method": "baseline",
        "detector": next(iter(content["detectors"])),
        "tier": "all",
        "conditions": ["gan_native"],
    }
    content["runs"] = {"mine": run}
    content["examples"] |= {"run": "", "generator_run": ""}
    content["robustness"]["runs"] = []
    yaml.dump(content, Path("params.yaml"))
    (folder / "videos.csv").write_text("\n".join(["path,label,split,forgery", *lines, ""]))
    for line in lines:
        (folder / line.partition(",")[0]).touch()


def test_check_counts_the_videos_of_each_run(call, tmp_path):
    split = [
        f"{label}{split}.mp4,{label},{split},{'gan' * label}" for split in ("train", "val", "test") for label in (0, 1)
    ]
    own_videos(tmp_path, [*split, "more.mp4,0,train,"])
    done = call("check")
    assert done.exit_code == 0
    assert "gan_native: train 2 + 1, val 1 + 1, test 1 + 1 real + fake videos; mine" in done.output


def test_check_refuses_a_run_without_data(call, tmp_path):
    own_videos(tmp_path, ["a.mp4,0,train,", "b.mp4,1,train,other", "c.mp4,0,val,", "d.mp4,1,val,other"])
    done = call("check")
    assert done.exit_code == 1
    assert "gan_native, trained on by mine, must have real and fake videos in split train" in done.output


def test_check_says_which_dataset_is_not_there_to_count(call):
    assert "ffpp: not counted; looked in datasets/FaceForensics++" in call("check", "--profile", "paper").output


def test_the_profile_own_is_planned_from_its_table(call, tmp_path):
    Path("videos.csv").write_text("path,label,split\n" + "".join(f"{k}.mp4,{k % 2},train\n" for k in range(8)))
    done = call("plan", "--profile", "own")
    assert done.exit_code == 0
    assert "all are in the table “Other runs”: baseline, grad_bat, two_gen_bat, combined_at." in done.output


@pytest.mark.parametrize("command", ["check", "plan"])
def test_an_unknown_profile_is_one_message(call, command):
    done = call(command, "--profile", "papr")
    assert done.exit_code == 1
    assert "profile must be one of clips, demo, own, paper, study, study_clips; got 'papr'" in done.output
    assert "Traceback" not in done.output


def test_the_version_is_printed(call):
    done = call("--version")
    assert done.exit_code == 0
    assert done.output == f"deepfake-adv {__version__}\n"


@pytest.mark.parametrize(("typed", "offered"), [("pr", ["predict"]), ("export-", ["export-frames"]), ("x", [])])
def test_a_shell_completes_commands(call, monkeypatch, typed, offered):
    """As the script that ``--show-completion`` prints for bash asks."""
    monkeypatch.setenv("_DEEPFAKE_ADV_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"deepfake-adv {typed}")
    monkeypatch.setenv("COMP_CWORD", "1")
    done = CliRunner().invoke(app, prog_name="deepfake-adv")
    assert done.output.split() == offered


def test_completion_is_offered_in_the_help(call):
    assert "--install-completion" in call("--help").output


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["predict", "clip.mp4", "--detector", "run", "--frames", "0"], "--frames"),
        (["predict", "clip.mp4", "--detector", "run", "--locator", "dlip"], "--locator"),
        (["export-frames", "crops", "out", "--size", "0"], "--size"),
        (["compare", "a.csv", "b.csv", "--resamples", "-1"], "--resamples"),
        (["export-frames", "crops", "out", "--size", "-5"], "--size"),
    ],
)
def test_an_option_out_of_range_is_refused(call, arguments, option):
    done = call(*arguments)
    assert done.exit_code == 2
    assert option in done.output


def test_a_locator_may_be_any_of_the_registry(call, tmp_path):
    done = call("predict", "clip.mp4", "--detector", str(tmp_path), "--locator", "face_alignment")
    assert "a trained detector must have run.json" in done.output  # the locator is known
    done = call("predict", "clip.mp4", "--detector", "run", "--locator", "dlip")
    assert "Did you mean 'dlib'?" in done.output


def test_a_wrong_detector_is_reported_once(call):
    done = call("predict", "one.mp4", "two.mp4", "--detector", "nowhere")
    assert done.exit_code == 1
    assert done.output.count("run.json beside its weights") == 1
    assert len(done.output.splitlines()) == 1


def test_runs_that_do_not_exist_are_answered_with_the_known_ones(call):
    done = call("train-all", "--only", "zzz")
    assert done.exit_code == 1
    assert done.output.startswith("--only must be a run's name, or a pattern of some, such as '*_sladd'; got 'zzz'.")
    assert "There are " in done.output
    assert "Did you mean 'efficientnet_NT_c23_jpeg'?" in only_of_paper(call, "efficientnet_NT_c23_jpg").output


@pytest.mark.parametrize(
    ("pattern", "runs"),
    [
        ("xception_FF_c23_sladd", ["xception_FF_c23_sladd"]),
        ("tsn_*_baseline", ["tsn_NT_c40_baseline", "tsn_NT_c23_baseline"]),
    ],
)
def test_only_takes_a_run_or_those_of_a_pattern(call, monkeypatch, pattern, runs):
    taken = []
    monkeypatch.setattr("deepfake_adv.training.fleet.changed_runs", lambda names: taken.extend(names) or [])
    assert only_of_paper(call, pattern).exit_code == 0
    assert taken == runs


def only_of_paper(call, pattern):
    shutil.copy("profiles/paper.yaml", "params.yaml")
    return call("train-all", "--only", pattern)


def test_a_folder_is_no_params_file(call, tmp_path, monkeypatch):
    (tmp_path / "params.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    done = call("check")
    assert done.exit_code == 1
    assert done.output == "params.yaml must be a file; got a folder. Name a file.\n"


def test_ctrl_c_is_one_line(call, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_params", stopped)
    done = call("check")
    assert done.exit_code == 130
    assert done.output == "interrupted\n"
    done = call("train-all")
    assert done.output == "interrupted; run the same command again: finished work is kept\n"


def test_a_plan_is_for_the_machine_that_is_described(call):
    done = call("plan", "--profile", "paper", "--cores", "64", "--gpus", "8", "--disk", "4TB", "--memory", "512GB")
    assert done.exit_code == 0
    assert "16 of 16 tables covered." in done.output
    assert "on 64 cores, 8 GPUs, 512 GB of memory, 4 TB of free disk; 8 runs at a time" in done.output
    assert "How long training takes is not known" in done.output
    assert "Everything that is known fits." in done.output
    assert "Does not fit: the outputs need" in call("plan", "--profile", "paper", "--disk", "100GB").output


def test_a_plan_is_one_json_object(call):
    done = call("plan", "--profile", "profiles/paper.yaml", "--gpus", "0", "--json")
    found = json.loads(done.output)
    assert found["profile"] == "paper"
    assert len(found["runs"]) == 102
    stages = {stage["stage"]: stage for stage in found["stages"]}
    assert stages["crop"]["cpu_s"] > 3600
    assert stages["train"]["hours"] is None
    assert found["calibrated_on"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--disk", "4 parsecs"], "--disk must be a size such as 500GB"),
        (["--memory", "0GB"], "--memory must be a size"),
        (["--cores", "0"], "--cores must be at least 1; got 0"),
        (["--gpus", "-1"], "--gpus must be at least 0; got -1"),
        (["--profile", "nowhere.yaml"], "nowhere.yaml must exist"),
        (["--calibration", "params.yaml"], "params.yaml must be"),
    ],
)
def test_a_wrong_machine_is_one_message(call, arguments, said):
    done = call("plan", *arguments)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output
    assert len(done.output.splitlines()) == 1


def test_a_plan_without_calibration_imports_no_torch(call):
    code = (
        "import sys; from typer.testing import CliRunner; from deepfake_adv.cli import app;"
        "assert CliRunner().invoke(app, ['plan', '--profile', 'paper']).exit_code == 0;"
        "assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.fixture
def score_tables(tmp_path):
    """Two tables of scores of the same videos."""
    for name, shift in (("a.csv", 0.1), ("b.csv", 0.3)):
        lines = [f"v{k},{k % 2},{0.3 + shift * (k % 2) + 0.02 * (k % 7)}" for k in range(40)]
        (tmp_path / name).write_text("\n".join(["video,label,score", *lines]))
    return str(tmp_path / "a.csv"), str(tmp_path / "b.csv")


def test_scores_are_evaluated_as_text_or_json(call, score_tables, tmp_path):
    done = call("evaluate", "--scores", score_tables[0])
    assert done.exit_code == 0
    assert "All rows: 20 real and 20 fake videos; drawn: 40 videos" in done.output
    done = call(
        "evaluate", "--scores", score_tables[0], "--json", "--resamples", "50", "--out", str(tmp_path / "o.json")
    )
    found = json.loads(done.output)
    assert found["results"][0]["video"]["auc"]["value"] > 0.5
    assert found == json.loads((tmp_path / "o.json").read_text())


def test_scores_are_compared_as_text_or_json(call, score_tables):
    done = call("compare", *score_tables)
    assert done.exit_code == 0
    assert "All rows: 40 videos compared." in done.output
    done = call("compare", *score_tables, "--json", "--resamples", "50")
    assert json.loads(done.output)["results"][0]["video"]["auc"]["value"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "--scores", "none.csv"], "none.csv must be a table of scores; found nothing"),
        (["compare", "none", "other"], "none must be a .csv or .parquet file, or a run with data/scores/none.parquet"),
        (["evaluate", "--scores", "none.csv", "--confidence", "1"], "--confidence must be above 0 and below 1"),
    ],
)
def test_wrong_scores_are_one_message(call, arguments, said):
    done = call(*arguments)
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.splitlines()) == 1


def test_the_columns_of_scores_are_explained_in_the_help(call):
    done = call("evaluate", "--help")
    for name in ("video", "label", "score", "frame", "target", "source", "forgery"):
        assert f"- {name}: " in done.output


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_scores_are_measured_without_torch(call, score_tables, command):
    given = ["--scores", score_tables[0]] if command == "evaluate" else list(score_tables)
    code = (
        "import sys; from typer.testing import CliRunner; from deepfake_adv.cli import app;"
        f"assert CliRunner().invoke(app, {[command, *given, '--resamples', '20']!r}).exit_code == 0;"
        "assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
