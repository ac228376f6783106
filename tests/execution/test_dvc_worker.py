"""A process that carries out many runs, its stages forks of it: they see and leave what DVC's own would."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepfake_adv.execution.dvc_batch import record
from deepfake_adv.execution.memory import JOBS
from deepfake_adv.training.fleet import Worker, train_all

ROOT = Path(__file__).parents[2]
SAY = """
import json, os, sys, time
from pathlib import Path
name, target = sys.argv[1:]
seen = {"argv": sys.argv[1:], "main": __name__, "stage": os.environ["DVC_STAGE"], "parent": os.getppid()}
seen["open"] = sorted(os.readlink(f"/proc/self/fd/{n}").partition(":")[0] for n in os.listdir("/proc/self/fd")
                      if int(n) > 2 and os.path.exists(f"/proc/self/fd/{n}"))
seen["input"] = sys.stdin.read()
seen["loaded"] = [name in sys.modules for name in ("heavy", "wave", "no_such_module")]
print("said by", name)
if name == "bad":
    raise SystemExit(3)
if Path("slow").exists():
    time.sleep(60)
Path(target).write_text(json.dumps(seen))
"""
PROJECT = """
stages:
  say:
    foreach: [a, b, bad]
    do:
      cmd: python -m pipeline.say ${item} say-${item}
      deps: [source]
      outs: ["say-${item}"]
  plain:
    foreach: [a, b, bad]
    do:
      cmd: cp say-${item} plain-${item}
      deps: ["say-${item}"]
      outs: ["plain-${item}"]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/__init__.py").touch()
    (tmp_path / "pipeline/say.py").write_text(SAY)
    (tmp_path / "heavy.py").write_text("def later():\n    import wave\n    from no_such_module import what\n")
    (tmp_path / "data/sources").mkdir(parents=True)
    (tmp_path / "data/sources/say.txt").write_text("0123456789abcdef  heavy.py\n")
    (tmp_path / "dvc.yaml").write_text(PROJECT)
    (tmp_path / "source").write_text("x")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    return tmp_path


def test_stages_are_forks_that_see_what_dvc_would_show_them_and_one_that_fails_stops_no_other(project):
    found = train_all(["a", "bad", "b"], jobs=1, stages=("say", "plain"))
    assert [(done.run, done.code) for done in found] == [("a", 0), ("bad", 1), ("b", 0)]
    seen = [json.loads((project / f"plain-{run}").read_text()) for run in "ab"]
    assert seen[0]["parent"] == seen[1]["parent"] != os.getpid()
    expected = {
        "argv": ["a", "say-a"],
        "main": "__main__",
        "stage": "say@a",
        "input": "",
        "loaded": [True, True, False],
    }
    assert {key: seen[0][key] for key in expected} == expected
    assert not [name for name in seen[0]["open"] if "lock" in name or name in ("pipe", "socket")]
    assert found[0].log.read_text().count("said by a") == 1
    assert "said by" not in found[2].log.read_text().replace("said by b", "")
    assert "failed to reproduce 'say@bad'" in found[1].log.read_text()
    assert not (project / "plain-bad").exists()
    assert record() == 0  # recorded at the end of train_all
    lock = (project / "dvc.lock").read_text()
    assert all(f"{stage}@{run}:" in lock for stage in ("say", "plain") for run in "ab")
    status = subprocess.run([sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True)
    assert set(json.loads(status.stdout)) == {"say@bad", "plain@bad"}


def test_a_worker_that_is_killed_fails_its_run_and_the_next_one_has_another(project):
    worker = Worker({JOBS: "1"})
    assert worker.carry_out("a", ["say"]).code == 0
    first = worker._process
    first.kill()
    first.wait()
    assert worker.carry_out("b", ["say"]).code == -9
    again = worker.carry_out("b", ["say"])
    assert again.code == 0
    assert worker.close() == 0


@pytest.mark.slow
def test_a_stage_ends_with_the_worker_that_started_it(project, until):
    (project / "slow").touch()
    (project / "pipeline/say.py").write_text(
        "from deepfake_adv.execution.parent import end_with_parent\nend_with_parent('ends')\n" + SAY
    )
    task = json.dumps({"stages": ["say@a"], "log": "log"})
    worker = subprocess.Popen(
        [sys.executable, "-m", "deepfake_adv.execution.dvc_worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    worker.stdin.write(task + "\n")
    worker.stdin.flush()
    until(lambda: (project / "log").exists() and "said by a" in (project / "log").read_text())
    worker.kill()
    until(lambda: "ends" in (project / "log").read_text())
