import sys
from types import SimpleNamespace

import pytest

from deepfake_adv.execution.memory import JOBS
from deepfake_adv.training import fleet
from deepfake_adv.training.fleet import dvc_command, slot_environment, summary, train_all, visible_gpus


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def script(body):
    return lambda run, stages: [sys.executable, "-c", f"run = {run!r}\n{body}"]


def test_a_run_that_fails_stops_no_other_and_is_told_at_the_end():
    body = "import sys\nprint('no such manifest' if run == 'b' else 'fine')\nsys.exit(3 * (run == 'b'))"
    found = train_all(["a", "b", "c"], jobs=2, command=script(body))
    assert [(done.run, done.code) for done in found] == [("a", 0), ("b", 3), ("c", 0)]
    told = summary(found)
    assert told.startswith("2 of 3 runs done")
    assert "b: exit code 3, no such manifest (work/train-all/b.log)" in told


def test_so_many_run_at_a_time_and_no_more(tmp_path):
    body = "import time, pathlib\ns = time.time()\ntime.sleep(.4)\npathlib.Path(run).write_text(f'{s} {time.time()}')"
    train_all(["a", "b", "c", "d"], jobs=2, command=script(body))
    spans = [tuple(map(float, (tmp_path / run).read_text().split())) for run in "abcd"]
    assert max(sum(s <= moment < e for s, e in spans) for moment, _ in spans) == 2


def test_each_slot_has_a_gpu_or_a_share_of_the_cores(monkeypatch):
    monkeypatch.setattr(fleet.os, "cpu_count", lambda: 8)
    assert [slot_environment(slot, 3, ["0", "5"]) for slot in range(3)] == [
        {"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "5"}, {"CUDA_VISIBLE_DEVICES": "0"}
    ]  # fmt: skip
    assert slot_environment(1, 3, []) == {"OMP_NUM_THREADS": "2"}
    assert slot_environment(1, 16, []) == {"OMP_NUM_THREADS": "1"}


def test_gpus_are_those_that_the_environment_leaves(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert visible_gpus() == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(fleet.shutil, "which", lambda name: None)
    assert visible_gpus() == []


def test_the_command_waits_for_dvcs_lock_and_repeats_single_stages():
    command = dvc_command("x", ("train", "score"))
    assert command[1:] == ["-m", "dvc", "--wait-for-lock", "repro", "-s", "train@x", "score@x"]


@pytest.mark.parametrize(
    ("options", "words"), [({"jobs": 0}, "JOBS must be"), ({"engine": "slurm"}, "must be local or ray")]
)
def test_bad_input(options, words):
    with pytest.raises(ValueError, match=words):
        train_all(["a"], **{"jobs": 1} | options)


@pytest.mark.parametrize(
    ("cluster", "jobs", "expected"),
    [({"GPU": 16.0, "CPU": 4.0}, None, 16), ({"CPU": 12.0}, None, 12), ({"GPU": 16.0, "CPU": 4.0}, 3, 3)],
)
def test_as_many_runs_at_a_time_as_the_cluster_has_gpus_or_cores(monkeypatch, cluster, jobs, expected):
    ray = SimpleNamespace(cluster_resources=lambda: cluster, remote=lambda **_: lambda function: function)
    at_a_time = []
    monkeypatch.setattr(fleet, "join_cluster", lambda address: ray)
    monkeypatch.setattr(fleet, "results_of", lambda *arguments: at_a_time.append(arguments[-1]) or [])
    train_all([], jobs=jobs, engine="ray")
    assert at_a_time == [expected]


@pytest.mark.slow
def test_ray_carries_the_same_commands(tmp_path):
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    body = "import os, sys\nprint(os.environ['OMP_NUM_THREADS'], 'threads for', run)\nsys.exit(3 * (run == 'b'))"
    found = train_all(["a", "b", "c"], jobs=2, engine="ray", command=script(body))
    assert [(done.run, done.code) for done in found] == [("a", 0), ("b", 3), ("c", 0)]
    assert (tmp_path / "work/train-all/c.log").read_text().endswith("threads for c\n")


@pytest.mark.slow
def test_a_worker_that_dies_on_ray_ends_its_run_alone():
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    body = "import os, signal\nrun == 'b' and os.kill(os.getppid(), signal.SIGKILL)"
    found = train_all(["a", "b", "c"], jobs=2, engine="ray", command=script(body))
    assert [done.code for done in found] == [0, 1, 0]
    assert "Ray ended this run" in found[1].log.read_text()


def test_ray_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RuntimeError, match="make setup-ray"):
        train_all(["a"], jobs=1, engine="ray")


def test_after_each_run_a_copy_of_dvc_lock_is_kept(tmp_path):
    (tmp_path / ".dvc").mkdir()
    body = "open('dvc.lock', 'w').write(f\"schema: '2.0'\\nstages:\\n  {run}:\\n    cmd: x\\n\")"
    train_all(["a"], jobs=1, command=script(body))
    assert (tmp_path / ".dvc/tmp/dvc.lock.good").read_text() == (tmp_path / "dvc.lock").read_text()
    assert "a:" in (tmp_path / "dvc.lock").read_text()


def test_a_run_knows_how_many_are_beside_it():
    """By this number `device.cache: memory` shares the machine's memory out."""
    code = f"import os; print(os.environ[{JOBS!r}])"
    finished = train_all(["a"], jobs=3, command=lambda run, stages: [sys.executable, "-c", code])
    assert finished[0].log.read_text().strip() == "3"
