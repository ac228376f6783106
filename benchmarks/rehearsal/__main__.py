"""The paper profile's own runs, stages and tables on fabricated data at tiny sizes.

Run as ``make rehearsal`` or ``python -m benchmarks.rehearsal``. It works in a folder of its own, a copy of this
project with datasets of the paper's layouts that it makes itself, and touches nothing else; killed, the next call
goes on. The last line reports how many of the paper's sixteen tables are full; the exit code is 0 if all are.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, machine, print_table
from benchmarks.rehearsal.fabricate import fabricate
from benchmarks.rehearsal.project import PROFILE, ROOT, Project, read_lines
from benchmarks.rehearsal.results import by_stage, disk, full_tables, sizes
from deepfake_adv.files import write_json
from deepfake_adv.log import configure


def main() -> int:
    """Fabricate, rehearse, count, measure."""
    arguments = _arguments()
    configure("rehearsal")
    project = Project(arguments.folder)
    changed = project.prepare()
    print(f"{PROFILE} at tiny sizes in {project.folder}; overridden ({len(changed)} keys):")
    for key, value in changed.items():
        print(f"  {key}: {'null' if value is None else value}")
    began = time.time()
    fabricate(project.folder / "datasets", project.folder / "work")
    print(f"datasets fabricated in {time.time() - began:.0f} s", flush=True)
    jobs = ["--jobs", str(arguments.jobs)] if arguments.jobs else []
    project.step("deepfake_adv.execution.dvc_lock")
    project.step("dvc", "repro", "shard")
    project.step("deepfake_adv", "train-all", *jobs)
    project.step("dvc", "repro")
    full, others = full_tables(project.folder / "reports/tables")
    count = f"{len(full)} of {len(full) + len(others)} tables full"
    _report(project, changed, count, arguments.output)
    for fault in others:
        print(fault)
    if not others and not arguments.keep:
        shutil.rmtree(project.folder)
    else:
        print(f"the tree is kept in {project.folder}; its page is reports/report.html")
    print(count)
    return 1 if others else 0


def _report(project: Project, changed: dict[str, Any], count: str, output: Path) -> None:
    stages = by_stage(read_lines(project.usage), sizes(project.folder))
    steps = project.steps()
    totals = {key: round(sum(step[key] for step in steps), 1) for key in ("wall_s", "cpu_s")}
    own = round(totals["cpu_s"] - sum(stage["cpu_s"] for stage in stages.values()), 1)
    found: dict[str, Any] = {
        "machine": machine("torch", "timm", "dvc"),
        "params": changed,
        "tables": count,
        "stages": stages,
        "total": {**totals, "dvc_cpu_s": own, "disk_bytes": disk(project.folder)},
        "steps": [{key: round(value, 1) if key != "step" else value for key, value in step.items()} for step in steps],
    }
    print_table([{"stage": name, **stage} for name, stage in stages.items()])
    print(
        f"{totals['wall_s'] / 60:.1f} minutes, {totals['cpu_s'] / 60:.1f} of CPU ({own / 60:.1f} of them DVC's own); "
        f"{found['total']['disk_bytes'] / 1e9:.2f} GB of disk"
    )
    write_json(output, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "work/rehearsal", help="Where it works.")
    parser.add_argument("--keep", action="store_true", help="Keep that folder in the end.")
    parser.add_argument("--jobs", type=int, help="Runs at a time; else as many as find GPUs or cores.")
    parser.add_argument("--output", type=Path, default=RESULTS / "rehearsal.json")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, ValueError) as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again to continue")
