"""`make clean`: deletes what no stage would reuse, keeps the rest, and reports both."""

import os
from pathlib import Path

import pytest

from deepfake_adv.cleaning import clean
from deepfake_adv.scratch import Scratch

ROOT = Path(__file__).parents[1]
DVC_YAML = """
stages:
  train:
    foreach: ${runs}
    do:
      cmd: python -m pipeline.train ${key} data/runs/${key}
  broken:
    cmd: python -m pipeline.broken data/x
"""
STAGE = """
import sys
from pathlib import Path
from deepfake_adv.scratch import Scratch
from deepfake_adv.stage import run_stage

def main(run: str, output: Path) -> None:
    Scratch(f"train-{run}", {"depth": Path("depth").read_text()}, code="0")

run_stage("train", main, words=1)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/__init__.py").touch()
    (tmp_path / "pipeline/train.py").write_text(STAGE)
    (tmp_path / "pipeline/broken.py").write_text("raise SystemExit('no such input')")
    (tmp_path / "depth").write_text("1")
    return tmp_path


def leave(stage, key):
    """What a killed process leaves: partial results, and a lock file that no process holds."""
    other = os.fork()
    if not other:
        (Scratch(stage, key, code="0").path / "piece").write_bytes(b"0" * 2000)
        os._exit(0)
    os.waitpid(other, 0)


def left():
    return sorted(path.name.rpartition("-")[0] for path in Path("work").iterdir() if path.is_dir())


def test_what_the_present_params_would_go_on_from_stays_and_the_rest_goes(project):
    for run, depth in (("a", "1"), ("a", "2"), ("gone", "1")):
        leave(f"train-{run}", {"depth": depth})
    Path("work/train@a.traceback.txt").write_text("x")
    said = list(clean(project, {"runs": {"a": {}, "b": {}}}))
    assert left() == ["train-a"]
    assert len([line for line in said if line.startswith("deleted work/train-")]) == 2
    assert [line for line in said if "the next `dvc repro` continues from it" in line]
    assert said[-1] == "4 kB freed in work/"
    assert sorted(path.suffix for path in Path("work").iterdir()) == ["", ".lock"]


def test_with_new_params_the_old_folder_goes(project):
    leave("train-a", {"depth": "1"})
    (project / "depth").write_text("2")
    list(clean(project, {"runs": {"a": {}}}))
    assert left() == []


def test_what_is_not_known_or_is_worked_in_stays(project):
    leave("broken", {})
    mine = Scratch("train-gone", {}, code="0")
    said = "\n".join(clean(project, {"runs": {"a": {}}}, everything=False))
    assert left() == ["broken", "train-gone"]
    assert "what broken needs is not known until its inputs exist" in said
    assert f"process {os.getpid()} on " in said
    mine.remove()
    list(clean(project, {"runs": {"a": {}}}, everything=True))
    assert left() == []


def test_where_nothing_is_left_it_says_so(project):
    assert list(clean(project, {"runs": {}})) == ["0 bytes freed in work/"]
