"""What DVC itself costs at the paper profile's 330 stages: a run that finds nothing to do, and the end of a stage.

Run as ``python -m benchmarks.dvc``. A scratch project has this one's dvc.yaml and code, a profile as its params, and
small files in place of every stage's outputs; `dvc commit` records them. No command does anything there but make its
outputs. Times are CPU seconds of whole processes, since a busy machine bends them less than the clock. Aims: 12 s for
a run that finds nothing to do, 1.2 s for a stage's end.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.common import RESULTS, machine, setting
from deepfake_adv.files import write_json, write_text

ROOT = Path(__file__).parents[1]
CODE = ("deepfake_adv", "pipeline", "profiles", "reports/paper")
FILES = ("dvc.yaml", "outside/dvc.yaml", ".gitignore", ".dvcignore", "pyproject.toml")
STAGES = ("train", "score", "evaluate")
# In place of every stage's script: makes what is not there of the paths that it is given
MAKE = """
import os, sys
from pathlib import Path
for name in sys.argv[2:]:
    path = Path(name)
    if path.parts[0] in ("data", "reports") and not path.exists():
        file = path if path.suffix else path / "part.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name} {os.urandom(4).hex()}")
"""
# Paths that stages depend on or leave, and the number of stages, by DVC's own reading of its files
LIST = """
import json
from dvc.repo import Repo
with Repo(".") as repo:
    stages = list(repo.index.stages)
    items = [item for stage in stages for item in (*stage.outs, *stage.deps)]
    print(json.dumps({"stages": len(stages), "paths": sorted({str(item.fs_path) for item in items if item.fs_path})}))
"""


def main() -> None:
    """Fabricate, measure, write the result."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(arguments.folder or name)
        stages = fabricate(folder, arguments.profile)
        repro = ["dvc", "repro"]
        runs = _runs(folder)[:3]
        single = [f"{stage}@{run}" for run in runs for stage in STAGES]
        found: dict[str, Any] = {
            "stages": stages,
            "lock_lines": (folder / "dvc.lock").read_text(encoding="utf-8").count("\n"),
            "nothing_to_do": _cpu_seconds(folder, repro),
            "status": _cpu_seconds(folder, ["dvc", "status"]),
            "stage_by_dvc_repro": round(_cpu_seconds(folder, [*repro, "-f", "-s", *single[:3]]) / 3, 2),
        }
        _forget(folder, runs)
        batches = [
            _cpu_seconds(folder, ["deepfake_adv.execution.dvc_batch", *(f"{stage}@{run}" for stage in STAGES)])
            for run in runs
        ]
        record = "from deepfake_adv.execution.dvc_batch import record; assert record() == 9"
        found |= {
            "stage_by_train_all": round(sum(batches) / len(single), 2),
            "record": _cpu_seconds(folder, ["timeit", "-n", "1", "-r", "1", record]),
        }
    write_json(arguments.output, {"machine": machine("dvc"), "setting": setting(arguments), "cpu_seconds": found})
    print(json.dumps(found, indent=2))


def fabricate(folder: Path, profile: str, *, runs: int | None = None) -> int:
    """Make the scratch project and have DVC record it as done; returns the number of stages.

    Args:
        folder: Where to.
        profile: Of profiles/.
        runs: How many runs it has, the first ones; None for all.
    """
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            text = (ROOT / name).read_text(encoding="utf-8")
            write_text(folder / name, text.replace("python -m pipeline.", f"{sys.executable} -E -s make.py "))
    write_text(folder / "make.py", MAKE)
    shutil.copy(ROOT / "profiles" / f"{profile}.yaml", folder / "params.yaml")
    if runs is not None:
        _keep_runs(folder / "params.yaml", runs)
    _call(folder, ["dvc", "init", "-q", "--no-scm"])
    _call(folder, ["dvc", "config", "cache.type", "hardlink,copy"])
    listed = json.loads(_call(folder, ["timeit", "-n", "1", "-r", "1", LIST]).splitlines()[0])
    paths = [Path(path) for path in listed["paths"]]
    parents = {parent for path in paths for parent in path.parents}
    for path in paths:
        place = folder / path
        if path in parents or place.exists():
            continue
        file = place if path.suffix else place / "part.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{path}\n", encoding="utf-8")
    _call(folder, ["dvc", "commit", "-f", "-q"])
    return int(listed["stages"])


def _keep_runs(path: Path, count: int) -> None:
    yaml = YAML()
    params = yaml.load(path)
    for name in list(params["runs"])[count:]:
        del params["runs"][name]
    yaml.dump(params, path)


def _forget(folder: Path, runs: list[str]) -> None:
    """Have the runs begin again, with inputs of other bytes, so that the cache of runs has nothing of them."""
    for run in runs:
        for kind in ("train", "score"):
            with open(folder / f"data/sources/{kind}/{run}.txt", "a", encoding="utf-8") as stream:
                stream.write("changed\n")
        shutil.rmtree(folder / "data/runs" / run)


def _runs(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data/runs").iterdir())


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "DVC_NO_ANALYTICS": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _call(folder: Path, command: list[str]) -> str:
    command = [sys.executable, "-m", *command]
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} must succeed; got: {done.stderr[-2000:]}. Fix that error.")
    return done.stdout


def _cpu_seconds(folder: Path, command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _call(folder, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="paper")
    parser.add_argument("--folder", help="keep the scratch project here")
    parser.add_argument("--output", type=Path, default=RESULTS / "dvc.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
