"""The command line's `evaluate` on labelled files, and `export`."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from deepfake_adv.api import load
from deepfake_adv.cli import app
from deepfake_adv.commands import measure
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import sha256, write_json
from deepfake_adv.training.checkpoint import save_weights


@pytest.fixture
def call(monkeypatch, tmp_path):
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    save_weights(tmp_path / "run/detector.safetensors", build_detector("compact", width=4))
    files = {"detector.safetensors": sha256(tmp_path / "run/detector.safetensors")}
    record = {"run": "mine", "condition": "NT_c23", "seed": 0, "image_size": 16, "files": files}
    write_json(tmp_path / "run/run.json", {**record, "params": {"detector": {"name": "compact", "width": 4}}})
    return str(tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ([], "none of them"),
        (["--detector", "run"], "--detector"),
        (["--scores", "a.csv", "--data", "b.csv"], "--scores and --data"),
    ],
)
def test_scores_and_labelled_files_are_two_ways(call, arguments, got):
    done = call("evaluate", *arguments)
    assert done.exit_code == 1
    assert f"evaluate must have --scores, or --detector and --data; got {got}. Give one or the other." in done.output


def test_a_table_that_is_missing_or_wrong_explains_the_columns(call, run, tmp_path):
    done = call("evaluate", "--detector", run, "--data", "none.csv")
    assert done.exit_code == 1
    assert "found neither at 'none.csv'. Datasets: none, since there is no params.yaml here." in done.output
    (tmp_path / "table.csv").write_text("path;label\na.mp4;real\n")
    done = call("evaluate", "--detector", run, "--data", "table.csv")
    assert "semicolons" in done.output
    assert "- split: train, val or test" in done.output
    assert done.output.count("table.csv") == 1
    help_text = call("evaluate", "--help").output
    assert "only test is evaluated" in " ".join(help_text.split())


def test_datasets_are_those_of_params_with_the_qualities_of_their_parts(call, tmp_path):
    shutil.copy(Path(__file__).parents[2] / "profiles/demo.yaml", tmp_path / "params.yaml")
    found = measure._datasets()["corpus"]
    assert found.layout == "faceforensics"
    assert sorted(found.qualities) == ["c23", "c40", "raw"]


def test_a_picture_that_is_a_face_is_measured_in_one_command(call, run, tmp_path):
    import cv2
    import numpy as np

    for number, name in enumerate(("a.png", "b.png")):
        cv2.imwrite(str(tmp_path / name), np.random.default_rng(number).integers(0, 255, (60, 60, 3), np.uint8))
    (tmp_path / "table.csv").write_text("path,label\na.png,real\nb.png,fake\nc.png,real\n")
    arguments = ("--detector", run, "--data", "table.csv", "--locator", "whole", "--workers", "1", "--resamples", "20")
    done = call("evaluate", *arguments, "--json", "--quiet")
    assert done.exit_code == 1  # c.png is not there
    found = json.loads(done.stdout)
    assert found["files"]["scored"] == 2
    assert [Path(one["path"]).name for one in found["files"]["failed"]] == ["c.png"]
    assert (tmp_path / "work/evaluations/mine-NT_c23-seed0-table/report.html").is_file()
    text = call("evaluate", *arguments, "--out", "other", "--quiet").stdout
    assert "1 of 3 files could not be scored:" in text


def test_an_export_is_one_command(call, run, tmp_path):
    done = call("export", run, "--format", "hub", "--out", "hub")
    assert done.exit_code == 0, done.output
    assert done.stdout == "hub: README.md, config.json, model.safetensors; metrics from nowhere: none were found\n"
    assert load(tmp_path / "hub").record["run"] == "mine"
    done = call("export", run, "--format", "hub", "--out", "hub")
    assert done.exit_code == 1
    assert "output must be a new or an empty folder; got hub. Name another, or remove it." in done.output
