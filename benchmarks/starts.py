"""CPU seconds and memory that starting each stage costs, in a process of its own and as a fork under train-all.

Run as ``python -m benchmarks.starts``. In a copy of this project with the paper's profile, each stage's own start is
run to the point where its work begins: imports, the check that its code is the listed one, params. A worker of a stage
imports alone. Stages of a run are started as `deepfake_adv.execution.dvc_worker` does, too. Each stage also backs up
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
    heads = ("stage", "cpu_s", "mb", "worker_cpu_s", "fork_cpu_s")
    print_table([{key: row.get(key, "") for key in heads} for row in rows])
    found: dict[str, Any] = {
        "machine": machine("torch", "timm", "dvc"),
        "rounds": arguments.rounds,
        "stages": rows,
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
    codes = {"start": imports + start + _USED, "worker": imports + _USED}
    if stage in OF_A_RUN:
        codes["fork"] = _FORK.format(stage=stage, words=words, modules=modules) + start + _USED
    found = {name: [_call(project, code) for _ in range(rounds)] for name, code in codes.items()}
    middle = {
        name: {key: statistics.median(each[key] for each in of) for key in ("cpu_s", "mb")}
        for name, of in found.items()
    }
    row = {"stage": stage, **{key: round(value, 3) for key, value in middle["start"].items()}}
    row["worker_cpu_s"] = round(middle["worker"]["cpu_s"], 3)
    if "fork" in middle:
        row["fork_cpu_s"] = round(middle["fork"]["cpu_s"], 3)
    return row


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
