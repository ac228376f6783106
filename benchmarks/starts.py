"""CPU seconds and memory that starting each stage costs, in a process of its own and as a fork under train-all.

Run as ``python -m benchmarks.starts``. In a copy of this project with the paper's profile, each stage's own start is
run to the point where its work begins: imports, the check that its code is the listed one, params. A worker is one of
the stage's own pool, with its imports. Loading the models of `locate` is measured by itself: its process does so, and
each worker. Stages of a run are started as `deepfake_adv.execution.dvc_worker` does, too. Each stage also backs up
dvc.lock, if it has changed since: that is taken from this project's own, per stage in it.

Prediction: a fork of train or score costs less than a third of a process of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.common import RESULTS, machine, print_table
from benchmarks.rehearsal.project import PROFILE, ROOT, Project
from deepfake_adv.execution.dvc_lock import is_whole
from deepfake_adv.files import write_json

STAGES = (
    "corpus", "inventory", "extract", "locate", "crop", "shard", "train", "score", "evaluate", "robustness", "attack",
    "examples", "tables", "report",
)  # fmt: skip
OF_A_RUN = ("train", "score", "evaluate")
WITH_WORKERS = ("corpus", "inventory", "extract", "locate", "crop")
_INSIDE = {  # what a stage imports when its work begins
    "train": ("deepfake_adv.training.run", "timm"),
    "score": ("deepfake_adv.training.score", "timm"),
    "robustness": ("timm",),
    "attack": ("timm",),
    "examples": ("timm",),
}
_USED = """
import json, resource
own = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_s": own.ru_utime + own.ru_stime, "mb": own.ru_maxrss / 1024}))
"""
_IMPORT = "import importlib\nfor name in {modules}: importlib.import_module(name)\n"
_WORKERS = """
import json, pkgutil, resource
from deepfake_adv.execution.pool import map_tasks
list(map_tasks(pkgutil.resolve_name, ["pipeline.{stage}:main"] * {count}, workers={count}, silent=True))
of_all = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({{"cpu_s": (of_all.ru_utime + of_all.ru_stime) / {count}, "mb": of_all.ru_maxrss / 1024}}))
"""
_MODELS = """
import json, time
from deepfake_adv.faces.landmarks import build_landmarker
from deepfake_adv.faces.registry import build_locator
times = [time.process_time()]
for build in (build_locator, build_landmarker):
    build("dlib")
    times.append(time.process_time())
print(json.dumps({"locator": times[1] - times[0], "landmarks": times[2] - times[1]}))
"""
_START = """
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage
run_stage({stage!r}, lambda *_: load_params({sections}), {words}, words={count})
"""
_FORK = """
import os
from deepfake_adv.execution.dvc_worker import preload
preload("pipeline.{stage}", {words})
for name in {modules}: __import__(name)
if child := os.fork():
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        project = Project(Path(name), "starts", PROFILE, {})
        project.prepare()
        project.call("pipeline.sources", "data/sources", "data/studied/runs.txt")
        rows = [_measure(project, stage, arguments.rounds) for stage in STAGES]
        models = _median(_call(project, _MODELS) for _ in range(arguments.rounds))
    heads = ("stage", "cpu_s", "mb", "worker_cpu_s", "fork_cpu_s")
    print_table([{key: row.get(key, "") for key in heads} for row in rows])
    found: dict[str, Any] = {
        "machine": machine("torch", "timm", "dvc"),
        "rounds": arguments.rounds,
        "stages": rows,
        "models": models,
        "lock": _lock(),
    }
    write_json(arguments.output, found)


def _measure(project: Project, stage: str, rounds: int) -> dict[str, Any]:
    run = min((project.folder / "data/sources/train").glob("*_baseline.txt")).stem
    words = [run] if stage in OF_A_RUN else []
    modules = (f"pipeline.{stage}", *_INSIDE.get(stage, ()))
    imports = _IMPORT.format(modules=modules)
    sections = "" if stage in _INSIDE else '"execution"'  # light stages read sections that name no detector
    start = _START.format(stage=stage, sections=sections, words=words, count=len(words))
    codes = {"start": imports + start + _USED}
    if stage in WITH_WORKERS:
        codes["worker"] = _WORKERS.format(stage=stage, count=2)
    if stage in OF_A_RUN:
        codes["fork"] = _FORK.format(stage=stage, words=words, modules=modules) + start + _USED
    middle = {name: _median(_call(project, code) for _ in range(rounds)) for name, code in codes.items()}
    row = {"stage": stage, **middle.pop("start")}
    return row | {f"{name}_cpu_s": found["cpu_s"] for name, found in middle.items()}


def _median(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    every = list(found)
    return {key: round(statistics.median(each[key] for each in every), 3) for key in every[0]}


def _lock() -> dict[str, float]:
    """CPU seconds to check a dvc.lock, and the number of stages in it."""
    content = (ROOT / "dvc.lock").read_bytes()
    began = time.process_time()
    assert is_whole(content)
    seconds = time.process_time() - began
    return {"cpu_s": round(seconds, 3), "stages": len(YAML(typ="safe").load(content)["stages"])}


def _call(project: Project, code: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.folder, env=project.environment(), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS / "starts.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
