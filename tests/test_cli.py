"""The command line: what it prints, and one message where something is wrong."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deepfake_adv.cli import app


@pytest.fixture
def call(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(("arguments", "file"), [([], "params.yaml"), (["--profile", "paper"], "profiles/paper.yaml")])
def test_check_names_the_file_and_finds_no_fault(call, arguments, file):
    done = call("check", *arguments)
    assert done.exit_code == 0
    assert done.output.startswith(f"{file}: profile ")
    assert done.output.rstrip().endswith("no fault found")


@pytest.mark.parametrize("command", ["check", "plan"])
def test_an_unknown_profile_is_one_message(call, command):
    done = call(command, "--profile", "papr")
    assert done.exit_code == 1
    assert "profile must be one of demo, paper; got 'papr'" in done.output
    assert "Traceback" not in done.output


def test_a_crop_margin_out_of_range_is_refused(call):
    done = call("predict", "clip.mp4", "--detector", "run", "--margin", "0.5")
    assert done.exit_code == 2
    assert "--margin" in done.output
