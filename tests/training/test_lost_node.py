"""train-all over two Ray nodes, one lost in the middle, leaves the weights of train-all without Ray."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from deepfake_adv.files import sha256
from deepfake_adv.sources.checkout import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

METHODS = ("baseline", "gaussian_noise", "grad_bat")
RUNS = {f"compact_{method}": {"method": method, "detector": "compact", "tier": "all", "conditions": ["NT_c23"]}
        for method in METHODS}  # fmt: skip
TINY = {"image_size": 24, "batch_size": 4, "epochs": 4, "steps_per_epoch": 4}
# The head takes no work. Once a run has a checkpoint, its node and all that it runs end at once, as if power were lost.
SCRIPT = """
import json, logging, os, signal, sys, threading, time
from pathlib import Path

from deepfake_adv.training.fleet import train_all

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    runs, engine = json.loads(sys.argv[1])
    settings = {"jobs": 2}
    if engine == "ray":
        from ray.cluster_utils import Cluster

        for left in (3, 2, 1, 0):  # Ray gives a node 30 s to start, too few on a busy machine
            try:
                cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
                break
            except Exception:
                if not left:
                    raise
        here = os.getcwd()
        os.chdir("/")
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        os.chdir(here)
        cluster.wait_for_nodes()

        def lose_one():
            while not (found := list(Path("work").glob("train-compact*/**/checkpoint.pt"))):
                time.sleep(0.02)
            scratch = Path(*found[0].parts[:2])
            processes = [int(scratch.with_name(f"{scratch.name}.lock").read_text().split()[0])]  # the stage's
            ends = {node.all_processes["raylet"][0].process.pid for node in nodes}
            while processes[-1] not in ends:
                processes.append(int(Path(f"/proc/{processes[-1]}/stat").read_text().rpartition(")")[2].split()[1]))
            for process in reversed(processes):
                os.kill(process, signal.SIGKILL)

        threading.Thread(target=lose_one, daemon=True).start()
        settings = {"jobs": 2, "engine": "ray", "address": cluster.address}
    found = train_all(runs, stages=("train",), **settings)
    print(json.dumps([[done.run, done.code] for done in found]))
"""


@pytest.fixture
def project(make_shards_at, tmp_path):
    """The repository's stage `train`, with shards; call with an engine: files of all runs, and what was said."""
    for name in ("deepfake_adv", "pipeline"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    make_shards_at(tmp_path, tier="all", qualities=("c23",))
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    stages = yaml.load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    params = yaml.load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    params["train"] |= TINY
    params["device"] |= {"accelerator": "cpu", "dvclive": False}
    params["runs"] = RUNS
    for name, content in (("dvc.yaml", {"stages": {"train": stages["train"]}}), ("params.yaml", params)):
        with open(tmp_path / name, "w", encoding="utf-8") as stream:
            yaml.dump(content, stream)
    for run in RUNS:
        for path in (tmp_path / f"data/inputs/runs/{run}.json", tmp_path / f"data/sources/train/{run}.txt"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}" if path.suffix == ".json" else "")
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment["RAY_worker_niceness"] = "0"  # else nothing moves on a busy machine
    environment["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    script = tmp_path / "all.py"
    script.write_text(SCRIPT)

    def call(*command):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        logs = "".join(path.read_text() for path in (tmp_path / "work").rglob("*.log"))
        assert done.returncode == 0, done.stderr[-4000:] + logs[-4000:]
        return done

    call(sys.executable, "-m", "dvc", "init", "-q", "--no-scm")
    call(sys.executable, "-m", "dvc", "config", "core.no_scm", "true")

    def carry_out(engine):
        done = call(sys.executable, str(script), json.dumps([list(RUNS), engine]))
        logs = {path.stem: path.read_text() for path in (tmp_path / "work/train-all").glob("*.log")}
        (found,) = [line for line in done.stdout.splitlines() if line.startswith("[[")]  # Ray may add words
        codes = dict(json.loads(found))
        assert codes == dict.fromkeys(RUNS, 0), f"{done.stderr[-4000:]}\n{logs}"
        files = {path.relative_to(tmp_path).as_posix(): sha256(path)
                 for path in (tmp_path / "data/runs").rglob("*") if path.is_file()}  # fmt: skip
        shutil.rmtree(tmp_path / "data/runs")
        shutil.rmtree(tmp_path / ".dvc/cache")
        (tmp_path / "dvc.lock").unlink()
        return files, done.stderr, logs

    return carry_out


def test_runs_of_a_node_that_is_lost_end_on_the_other_with_the_same_weights(project):
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    alone, _, _ = project("local")
    assert {f"data/runs/{run}/NT_c23/seed0/detector.safetensors" for run in RUNS} <= set(alone)
    found, said, logs = project("ray")
    assert said.count("a worker was lost, and with it compact_") == 1
    assert found == alone
    assert any(": continues at epoch " in text for text in logs.values())
