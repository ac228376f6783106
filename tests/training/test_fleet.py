import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deepfake_adv.execution.memory import JOBS
from deepfake_adv.training import fleet
from deepfake_adv.training.fleet import Finished, dvc_command, summary, train_all
from deepfake_adv.training.slots import Need


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture
def four_gpus(tmp_path, monkeypatch):
    """A machine whose nvidia-smi lists four GPUs."""
    tool = tmp_path / "bin/nvidia-smi"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nfor i in 0 1 2 3; do echo "GPU $i: Simulated (UUID: GPU-$i)"; done\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")


def script(body):
    return lambda run, stages: [sys.executable, "-c", f"run = {run!r}\n{body}"]


def test_a_run_that_fails_stops_no_other_and_is_reported_at_the_end():
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


def test_no_two_runs_at_once_hold_the_same_gpu_where_each_takes_two(tmp_path, four_gpus):
    """Failed before: each run had one GPU and then blamed the machine."""
    body = (
        "import json, os, pathlib, time\ns = time.time()\ntime.sleep(.3)\n"
        "pathlib.Path(run).write_text(json.dumps([s, time.time(), os.environ['CUDA_VISIBLE_DEVICES'].split(',')]))"
    )
    train_all("abcd", need=Need(devices=2), command=script(body))
    held = [json.loads((tmp_path / run).read_text()) for run in "abcd"]
    assert {tuple(gpus) for _, _, gpus in held} == {("0", "1"), ("2", "3")}
    for start, end, gpus in held:
        beside = [other for other in held if other[0] < end and other[1] > start and other[2] == gpus]
        assert beside == [[start, end, gpus]]


def test_what_cannot_be_placed_is_refused_before_the_first_run(tmp_path, four_gpus):
    with pytest.raises(ValueError, match=r"at most the GPUs of this machine \(4\); got 5"):
        train_all("a", need=Need(devices=5), command=script("open('started', 'w')"))
    assert not (tmp_path / "started").exists()


def test_the_command_carries_out_the_stages_of_a_run_in_order():
    command = dvc_command("x", ("train", "score"))
    assert command[1:] == ["-m", "deepfake_adv.execution.dvc_batch", "train@x", "score@x"]


@pytest.mark.parametrize(
    ("options", "words"), [({"jobs": 0}, "JOBS must be"), ({"engine": "slurm"}, "must be local or ray")]
)
def test_bad_input(options, words):
    with pytest.raises(ValueError, match=words):
        train_all(["a"], **{"jobs": 1} | options)


@pytest.mark.parametrize(
    ("cluster", "jobs", "expected"),
    [({"GPU": 8.0, "CPU": 4.0}, None, 4), ({"CPU": 12.0}, None, 6), ({"GPU": 8.0, "CPU": 4.0}, 3, 3)],
)
def test_as_many_runs_at_a_time_as_the_cluster_has_room_for(monkeypatch, cluster, jobs, expected):
    asked = []
    ray = SimpleNamespace(
        nodes=lambda: [{"Alive": True, "Resources": cluster}],
        remote=lambda **resources: asked.append(resources) or (lambda function: function),
    )
    at_a_time = []
    monkeypatch.setattr(fleet, "join_cluster", lambda address: ray)
    done = [(("a",), Finished("a", 0, 1.0, Path()))]
    monkeypatch.setattr(fleet, "results_of", lambda *arguments, again, options: at_a_time.append(arguments[-1]) or done)
    train_all(["a"], need=Need(devices=2), jobs=jobs, engine="ray")
    assert at_a_time == [expected]
    assert asked == [{"max_retries": 0} | ({"num_gpus": 2} if "GPU" in cluster else {"num_cpus": 2})]


def test_a_run_that_no_node_of_a_cluster_can_take_is_refused(monkeypatch):
    nodes = [{"Alive": True, "Resources": {"GPU": 2.0}}, {"Alive": False, "Resources": {"GPU": 8.0}}]
    monkeypatch.setattr(fleet, "join_cluster", lambda address: SimpleNamespace(nodes=lambda: nodes))
    with pytest.raises(ValueError, match=r"GPUs of the cluster's largest node \(2\); got 4"):
        train_all(["a"], need=Need(devices=4), engine="ray")


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
