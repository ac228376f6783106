"""What only shows in processes of their own: gradients over two ranks, and SIGKILL."""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def play(devices, mode, output):
    command = [sys.executable, Path(__file__).with_name("two_processes.py"), str(devices), mode, output]
    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["turns", "joint"])
def test_two_processes_move_both_players_and_log_as_one_does_on_the_whole_batch(tmp_path, mode):
    for devices in (1, 2):
        play(devices, mode, tmp_path / str(devices))
    alone, first, second = (torch.load(tmp_path / name) for name in ("1.0", "2.0", "2.1"))
    for part, values in alone.items():
        for name, value in values.items():
            assert torch.allclose(first[part][name], value, atol=1e-5), (part, name)
            assert torch.equal(first[part][name], second[part][name]), (part, name)


@pytest.mark.slow
def test_two_processes_keep_the_same_running_statistics(tmp_path):
    play(2, "normalised", tmp_path / "2")
    first, second = (torch.load(tmp_path / name)["detector"] for name in ("2.0", "2.1"))
    assert first["body.1.running_mean"].count_nonzero()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.fixture
def project(shards, tmp_path):
    """A folder in which the stage's script runs as DVC runs it."""
    shutil.copytree(shards.parents[1], tmp_path / "data")
    yaml = YAML()
    params = yaml.load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    params["train"] |= {"image_size": 24, "batch_size": 8, "epochs": 3, "steps_per_epoch": 12}
    params["device"] |= {"dvclive": False, "checkpoint_steps": 5}
    params["methods"]["two_gen_bat"]["kernel_size"] = 3
    params["methods"]["two_gen_bat"]["generator"] |= {"blocks": 1, "width": 4}
    params["runs"] = {
        "tiny": {"method": "two_gen_bat", "detector": "compact", "tier": "all", "conditions": ["NT_raw", "NT_c23"]}
    }
    yaml.dump(params, tmp_path / "params.yaml")
    (tmp_path / "inputs.json").write_text("{}")
    return tmp_path


def start(project, output):
    command = [
        sys.executable, "-m", "pipeline.train", "tiny", "inputs.json", "data/manifests/all", output, "times"
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=project, env=ENVIRONMENT, stderr=subprocess.PIPE)


def finish(process):
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said.decode()


def results(folder):
    rows = csv.DictReader((folder / "log.csv").open(encoding="utf-8"))
    return list(rows)


@pytest.mark.slow
def test_a_run_killed_twice_ends_with_the_same_metrics_as_one_that_was_not(project):
    finish(start(project, "data/runs/whole"))
    for wanted in ("work/*/NT_raw/seed0/checkpoint.pt", "work/*/NT_c23/seed0/checkpoint.pt"):
        process = start(project, "data/runs/killed")
        while not list(project.glob(wanted)):
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (project / "data/runs/killed").exists(), "a part must not stand where the whole belongs"
    finish(start(project, "data/runs/killed"))
    for condition in ("NT_raw", "NT_c23"):
        whole, killed = (project / "data/runs" / name / condition / "seed0" for name in ("whole", "killed"))
        assert results(whole) == results(killed)
        for name, value in load_file(whole / "detector.safetensors").items():
            assert torch.equal(value, load_file(killed / "detector.safetensors")[name])
    assert not list((project / "work").iterdir())


@pytest.mark.slow
def test_the_stage_runs_on_two_processes(project):
    params = YAML().load((project / "params.yaml").read_text())
    params["device"] |= {"devices": 2, "strategy": "ddp", "accelerator": "cpu"}
    params["runs"]["tiny"]["conditions"] = ["NT_c23"]
    YAML().dump(params, project / "params.yaml")
    finish(start(project, "data/runs/two"))
    assert len(results(project / "data/runs/two/NT_c23/seed0")) == 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def torchrun(project, output, *, nodes, processes):
    """Train on `nodes` nodes of this one machine, as torchrun starts them on machines of a cluster."""
    yaml = YAML()
    params = yaml.load((project / "params.yaml").read_text(encoding="utf-8"))
    params["device"] |= {"accelerator": "cpu", "strategy": "ddp", "nodes": nodes, "devices": processes}
    params["train"] |= {"epochs": 1, "steps_per_epoch": 4}
    yaml.dump(params, project / "params.yaml")
    command = [sys.executable, "-m", "torch.distributed.run", "--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    command += [f"--nnodes={nodes}", f"--nproc-per-node={processes}"]
    script = ["-m", "pipeline.train", "tiny", "inputs.json", "data/manifests/all", output, "times"]
    started = [
        subprocess.Popen(
            [*command, f"--node-rank={rank}", *script], cwd=project, env=ENVIRONMENT, stderr=subprocess.PIPE
        )
        for rank in range(nodes)
    ]
    for process in started:
        finish(process)


@pytest.mark.slow
def test_two_nodes_train_what_two_processes_of_one_node_train(project):
    torchrun(project, "data/runs/nodes", nodes=2, processes=1)
    torchrun(project, "data/runs/processes", nodes=1, processes=2)
    for player in ("detector", "generator"):
        apart, together = (
            load_file(project / "data/runs" / name / f"NT_c23/seed0/{player}.safetensors")
            for name in ("nodes", "processes")
        )
        assert apart.keys() == together.keys()
        assert all(torch.equal(value, together[name]) for name, value in apart.items())
