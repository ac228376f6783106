"""A worker does its work with the code, the plug-ins and in the folder of who asks, or refuses in one sentence."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deepfake_adv.execution.on_ray import join_cluster, remote_of, results_of
from deepfake_adv.extraction import crop
from deepfake_adv.sources import checkout as module
from deepfake_adv.sources.checkout import ROOT, check_alike, code_digest

PROBE = """
import os
from pathlib import Path

import deepfake_adv
from deepfake_adv.datasets.layouts.registry import LAYOUTS


def probe(task):
    return [deepfake_adv.__file__, os.getcwd(), Path("here.txt").read_text(), LAYOUTS["flat"].__module__]
"""
PLUGIN = """
from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.datasets.layouts.registry import register_layout


@register_layout("flat")
class Flat(Layout): ...
"""
# a node that its owner started elsewhere, in an environment of another checkout; it alone takes work
DRIVER = """
import json, os, sys

from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.execution.probe import probe
from deepfake_adv.registry import use_plugins

if __name__ == "__main__":
    elsewhere, others, engine = sys.argv[1:]
    use_plugins(["mine"])
    settings = {"workers": 2}
    if engine == "ray":
        from ray.cluster_utils import Cluster

        here, own = os.getcwd(), os.environ.pop("PYTHONPATH")
        for left in (3, 2, 1, 0):  # Ray gives a node 30 s to start, too few on a busy machine
            try:
                cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
                break
            except Exception:
                if not left:
                    raise
        os.chdir(elsewhere)
        os.environ["PYTHONPATH"] = others
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        os.chdir(here)
        os.environ["PYTHONPATH"] = own
        settings = {"engine": "ray", "address": cluster.address}
    try:
        print(json.dumps([outcome.error or outcome.value for outcome in map_tasks(probe, [0, 1], **settings)]))
    except ValueError as error:
        print(json.dumps({"refused": str(error)}))
"""


@pytest.fixture
def clone(tmp_path):
    """Another checkout, with a module and a plug-in that this one lacks."""
    folder = tmp_path / "own"
    shutil.copytree(ROOT / "deepfake_adv", folder / "deepfake_adv", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", folder)
    (folder / "deepfake_adv/execution/probe.py").write_text(PROBE)
    (folder / "mine.py").write_text(PLUGIN)
    return folder


@pytest.fixture
def drive(clone, tmp_path):
    """Call from a folder: what two tasks found out, or why they were refused."""
    script = clone / "drive.py"
    script.write_text(DRIVER)

    def go(here, engine, others=ROOT):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        here.mkdir(exist_ok=True)
        (here / "here.txt").write_text("found")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        environment["RAY_worker_niceness"] = "0"  # else nothing moves on a busy machine
        command = [sys.executable, str(script), str(elsewhere), str(others), engine]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        (found,) = [line for line in done.stdout.splitlines() if line.startswith(("[", "{"))]  # Ray may add words
        return json.loads(found)

    return go


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", ["in the checkout", "outside"])
def test_workers_have_the_code_the_folder_and_the_plugins_of_who_asks(drive, clone, tmp_path, engine, place):
    """Failed before on a node that was started in another folder."""
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    here = clone if place == "in the checkout" else tmp_path / "outside"
    expected = [str(clone / "deepfake_adv/__init__.py"), str(here), "found", "mine"]
    assert drive(here, engine) == [expected, expected]


@pytest.mark.slow
def test_a_worker_that_has_other_code_already_refuses_in_one_sentence(drive, clone, tmp_path):
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    others = tmp_path / "others"
    others.mkdir()
    (others / "sitecustomize.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r}); import deepfake_adv\n")
    (refused,) = drive(clone, "ray", others).values()
    assert refused == (
        f"deepfake_adv must be the same in every process, {clone}/deepfake_adv; got {ROOT}/deepfake_adv in a worker. "
        "Start the workers in that checkout, or unset the PYTHONPATH that they were started with."
    )


@pytest.fixture
def here_as_on_ray(monkeypatch):
    """A `ray` that carries out at once, here."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return SimpleNamespace(
        remote=lambda **options: lambda function: SimpleNamespace(remote=function), cloudpickle=pickle
    )


def test_a_node_without_the_projects_folder_is_named(here_as_on_ray, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    remote = remote_of(here_as_on_ray, str, {})
    monkeypatch.chdir(tmp_path)
    assert remote(1) == "1"
    monkeypatch.chdir(tmp_path)
    folder.rmdir()
    with pytest.raises(ValueError, match=r"project must be on every node of the Ray cluster; got nothing .*\. Put the"):
        remote(1)


def test_a_node_whose_copy_of_the_checkout_is_another_is_named(here_as_on_ray, monkeypatch):
    file = Path(crop.__file__)
    assert remote_of(here_as_on_ray, str, {}, alike=file)(1) == "1"
    digest = code_digest(file)
    check_alike(str(file), digest)
    remote = remote_of(here_as_on_ray, str, {}, alike=file)
    monkeypatch.setattr(module, "_digest_of", lambda file: "0" * 16)
    with pytest.raises(ValueError, match=r"the code of crop\.py must be the same on every machine; got another on "):
        remote(1)


@pytest.mark.parametrize(
    ("asked", "variable", "expected"),
    [
        (None, None, "local"),
        (None, "10.0.0.1:6379", "10.0.0.1:6379"),
        ("10.0.0.2:6379", "10.0.0.1:6379", "10.0.0.2:6379"),
    ],
)
def test_a_cluster_that_no_one_named_is_not_joined(monkeypatch, asked, variable, expected):
    """Failed before: Ray by itself joins whatever cluster was last started on the machine, a dead one too."""
    joined = []
    ray = SimpleNamespace(is_initialized=lambda: False, init=lambda address, **options: joined.append(address))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert join_cluster(asked) is ray
    assert joined == [expected]


class Lost(Exception):
    """As Ray says of a worker."""


@pytest.mark.parametrize(("fails", "expected"), [(0, "done"), (2, "done"), (3, Lost)])
def test_a_call_whose_worker_is_lost_is_made_again_a_few_times(fails, expected, caplog):
    made = []

    def get(reference):
        if reference <= fails:
            raise Lost("gone")
        return "done"

    ray = SimpleNamespace(
        wait=lambda running, **_: (running[:1], running[1:]), get=get,
        exceptions=SimpleNamespace(RayError=Lost, WorkerCrashedError=Lost, NodeDiedError=Lost),
    )  # fmt: skip
    ((call, result),) = results_of(ray, lambda run: made.append(run) or len(made), [("a",)], 1, again=2)
    assert call == ("a",)
    assert result == expected or isinstance(result, expected)
    assert len(made) == min(fails, 2) + 1
    assert caplog.text.count("a worker was lost, and with it a, which is started again") == len(made) - 1


@pytest.mark.parametrize(("cores", "alive", "said"), [(1, True, False), (0, True, True), (1, False, True)])
def test_waiting_for_a_node_that_is_not_there_is_said(caplog, cores, alive, said):
    answers = [([], ["call"]), (["call"], [])]
    nodes = [{"Alive": alive, "Resources": {"CPU": cores}}, {"Alive": False, "Resources": {"CPU": 8}}]
    ray = SimpleNamespace(
        wait=lambda *_, **__: answers.pop(0),
        nodes=lambda: nodes,
        get=lambda _: 7,
        exceptions=SimpleNamespace(RayError=OSError),
    )
    found = list(results_of(ray, lambda *_: "call", [("run",)], 1, options={"num_cpus": 1}))
    assert found == [(("run",), 7)]
    assert ("1 calls wait, and no node of the Ray cluster is left that has 1 CPU" in caplog.text) == said
