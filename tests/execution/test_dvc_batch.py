"""Stages whose entries of dvc.lock are written together: the bytes and the promises of `dvc repro`."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deepfake_adv.execution.dvc_batch import ENTRIES, record

ROOT = Path(__file__).parents[2]
MAKE = """
import sys, time
from pathlib import Path
name, source, target = sys.argv[1:]
Path("ran").open("a").write(name + "\\n")
time.sleep(60 * Path("slow").exists())
Path(target).write_text(Path(source).read_text() + name)
"""
PROJECT = """
stages:
  first:
    foreach: [a, b]
    do:
      cmd: python make.py first@${item} source first-${item}
      deps: [source]
      params: [depth, wide.words]
      outs: ["first-${item}"]
  second:
    foreach: [a, b]
    do:
      cmd: python make.py second@${item} first-${item} second-${item}
      deps: ["first-${item}"]
      metrics:
        - second-${item}:
            cache: false
"""
STAGES = ("first@a", "second@a", "first@b", "second@b")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "make.py").write_text(MAKE)
    (tmp_path / "dvc.yaml").write_text(PROJECT)
    (tmp_path / "params.yaml").write_text("depth: 0.0005\nwide:\n  words: [one, null, '1e3', 5.0e-7]\n")
    (tmp_path / "source").write_text("x")
    call("dvc", "init", "-q", "--no-scm")
    return tmp_path


def call(*command):
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def batch(*stages):
    return call("deepfake_adv.execution.dvc_batch", *stages)


def ran(project):
    path = project / "ran"
    found = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def test_what_is_recorded_is_what_dvc_records_byte_for_byte(project):
    batch(*STAGES[:2])
    batch(*STAGES[2:])
    assert not (project / "dvc.lock").exists()
    assert record() == 4
    assert not list(ENTRIES.iterdir())
    ours = (project / "dvc.lock").read_text()
    assert ran(project) == list(STAGES)
    assert call("dvc", "status", "--json").strip() == "{}"
    (project / "dvc.lock").unlink()
    call("dvc", "repro", "--force", "--single-item", *STAGES)
    assert (project / "dvc.lock").read_text() == ours


def test_dvc_says_each_line_once(project):
    assert batch("first@a").count("Running stage 'first@a'") == 1


def test_what_was_not_recorded_when_it_was_killed_comes_from_the_cache_of_runs(project):
    batch(*STAGES)
    ran(project)
    call("dvc", "repro")  # and no record() before
    assert ran(project) == []
    before = (project / "dvc.lock").read_text()
    assert record() == 0  # dvc.lock has these stages since
    assert (project / "dvc.lock").read_text() == before


def test_params_edited_after_a_run_do_not_pass_for_those_that_it_ran_with(project):
    batch(*STAGES)
    ran(project)
    (project / "params.yaml").write_text("depth: 0.1\nwide:\n  words: []\n")
    record()
    changed = json.loads(call("dvc", "status", "--json"))
    assert set(changed) == {"first@a", "first@b"}


def test_a_stage_that_fails_leaves_those_before_it(project):
    (project / "source").write_bytes(b"\xff")  # no text
    command = [sys.executable, "-m", "deepfake_adv.execution.dvc_batch", *STAGES[:2]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "failed to reproduce 'first@a'" in done.stderr
    assert ran(project) == ["first@a"]
    assert record() == 0


def test_it_ends_with_the_train_all_that_started_it(project, until, alive):
    (project / "slow").touch()
    command = [sys.executable, "-m", "deepfake_adv.execution.dvc_batch", "first@a"]
    parent = [
        sys.executable,
        "-c",
        f"import subprocess; p = subprocess.Popen({command}); print(p.pid, flush=True); p.wait()",
    ]
    with subprocess.Popen(parent, stdout=subprocess.PIPE, text=True) as fleet:
        process = int(fleet.stdout.readline())
        until(lambda: ran(project))
        fleet.send_signal(signal.SIGKILL)
    until(lambda: not alive(process))


def test_it_waits_for_a_killed_run_that_is_about_to_end(project):
    """Failed before: a run that was taken up anew at once met the last moments of the one that was lost."""
    with subprocess.Popen(["sleep", "6"]) as holder:
        lock = project / ".dvc/tmp/rwlock"
        held = {"pid": holder.pid, "cmd": "dvc repro"}
        lock.write_text(json.dumps({"write": {str(project / "first-a"): held}, "read": {}}))
        reaper = threading.Thread(target=holder.wait)  # else its number stays taken
        reaper.start()
        batch("first@a")
        reaper.join()
    assert ran(project) == ["first@a"]
