"""How time and memory of what is done per dataset, not per pixel, grow with videos, crops and runs.

Run as ``python -m benchmarks.scale``. Everything is made up: trees of tiny videos, tables of inventory, frames, boxes
and crops (one picture of 8 px under millions of names), scores, a project of DVC whose stages do nothing. Each step
runs in a process of its own, once per size, which gives its CPU seconds (those of processes that it starts among them)
and the memory at its peak beyond what it had once its libraries were loaded (of DVC's commands, all of it).
"exponent" is the power of the size that all times fit, "last" that between the two largest sizes: 1 is linear. A step
with a constant start has a smaller exponent; 0 is what does not grow.

Prediction: no "last" above 1.15, no task above 4 kB, reading one video's boxes as fast at every size.
"""

import argparse
import json
import math
import multiprocessing
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scale_steps as steps
from benchmarks.common import RESULTS, machine, print_table, setting
from benchmarks.dvc import fabricate as dvc_project
from benchmarks.fabricated import write_evaluations, write_scores, write_tables, write_tree
from deepfake_adv.files import write_json

Step = Callable[[Path], dict[str, Any]]
_AGAIN = ("scores", "runs")  # whose steps do the same when they are repeated
_SHORT = 3.0  # seconds


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    groups: dict[str, tuple[Sequence[Step], Sequence[int], Callable[[Path, int], object]]] = {
        "videos": (
            steps.OF_VIDEOS, arguments.videos, lambda folder, size: write_tables(folder, size, arguments.frames)
        ),
        "crops": (
            steps.OF_CROPS, arguments.crops,
            lambda folder, size: write_tables(folder, size // arguments.per_video, arguments.per_video),
        ),
        "files": (steps.OF_FILES, arguments.tree, lambda folder, size: write_tree(folder / "root", size)),
        "scores": (steps.OF_SCORES, arguments.scores, write_scores),
        "runs": (steps.OF_RUNS, arguments.runs, write_evaluations),
        "stages": (steps.OF_STAGES, arguments.runs, lambda folder, size: dvc_project(folder, "paper", runs=size)),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for kind in arguments.only or groups:
        chosen, sizes, fabricate = groups[kind]
        with tempfile.TemporaryDirectory() as name:
            found: dict[str, dict[int, dict[str, Any]]] = {step.__name__: {} for step in chosen}
            for size in sizes:
                folder = Path(name) / str(size)
                folder.mkdir()
                print(f"{kind}: {size}", file=sys.stderr, flush=True)
                fabricate(folder, size)
                for step in chosen:
                    found[step.__name__][size] = _least(step, folder) if kind in _AGAIN else _alone(step, folder)
                    print(f"  {step.__name__}: {found[step.__name__][size]}", file=sys.stderr, flush=True)
                shutil.rmtree(folder)
        rows += [{"step": step, "of": kind, **_growth(by_size)} for step, by_size in found.items()]
        _write(arguments, rows)
    shown = [{**row, "sizes": " ".join(map(str, row["sizes"])), "s": row["s"][-1], "mb": row["mb"][-1]} for row in rows]
    print_table([{key: row[key] for key in ("step", "of", "sizes", "s", "mb", "exponent", "last")} for row in shown])


def _write(arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """The rows measured now, beside those of steps that were not."""
    packages = ("numpy", "pyarrow", "av", "dvc")
    kept: list[dict[str, Any]] = []
    if arguments.only and arguments.output.exists():
        earlier = json.loads(arguments.output.read_text(encoding="utf-8"))["steps"]
        kept = [row for row in earlier if row.get("of") not in {row["of"] for row in rows} and "of" in row]
    write_json(
        arguments.output, {"machine": machine(*packages), "setting": setting(arguments), "steps": [*kept, *rows]}
    )


def _growth(found: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Times and memory by size, and the exponents."""
    sizes, values = list(found), list(found.values())
    seconds = [max(value["s"], 1e-4) for value in values]
    logs = np.log(sizes), np.log(seconds)
    last = math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])
    row: dict[str, Any] = {"sizes": sizes, "exponent": round(float(np.polyfit(*logs, 1)[0]), 2), "last": round(last, 2)}
    for key in ("s", "mb"):
        row[key] = [value[key] for value in values]
    return row | {"facts": [value["facts"] for value in values]}


def _least(step: Step, folder: Path) -> dict[str, Any]:
    """The least of three measurements of what is short, since a busy machine bends it most."""
    first = _alone(step, folder)
    again = [_alone(step, folder) for _ in range(2)] if first["s"] < _SHORT else []
    return min([first, *again], key=lambda found: float(found["s"]))


def _alone(step: Step, folder: Path) -> dict[str, Any]:
    """CPU seconds and peak megabytes of a step in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(step, folder, theirs))
    process.start()
    theirs.close()
    try:
        return dict(ours.recv())
    finally:
        process.join()


def _measure(step: Step, folder: Path, out: Connection) -> None:
    before, start = _peak_mb(), _cpu_seconds()
    facts = step(folder)
    seconds = facts.pop("seconds", _cpu_seconds() - start)
    added = facts.pop("mb", None) or _peak_mb() - before
    out.send({"s": round(seconds, 4), "mb": round(added, 1), "facts": facts})


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_mb() -> float:
    """Linux's own mark; `ru_maxrss` would begin with what the parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, nargs="+", default=[5_000, 15_000, 120_000], help="of made-up tables")
    parser.add_argument("--frames", type=int, default=10, help="sampled per video, in these")
    parser.add_argument("--crops", type=int, nargs="+", default=[330_000, 1_100_000, 3_300_000], help="in manifests")
    parser.add_argument("--per-video", type=int, default=220, help="crops, in these")
    parser.add_argument("--tree", type=int, nargs="+", default=[3_000, 15_000, 120_000], help="videos on disk")
    scores = [3_000, 30_000, 100_000, 300_000]
    parser.add_argument("--scores", type=int, nargs="+", default=scores, help="test crops of a run")
    parser.add_argument("--runs", type=int, nargs="+", default=[26, 51, 102], help="of tables, report and DVC")
    parser.add_argument("--only", nargs="+", choices=["videos", "crops", "files", "scores", "runs", "stages"])
    parser.add_argument("--output", type=Path, default=RESULTS / "scale.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
