"""Compares the forecast of `deepfake-adv plan` with the actual cost of a built project: is each within a factor of 1.5?

    python -m benchmarks.plan_check FOLDER [--measured benchmarks/results/rehearsal.json] [--calibration FILE]

FOLDER is a built project, such as this checkout after `make repro`, or a rehearsal's after `make rehearsal KEEP=1`. It
is planned again with its own code, params and inventories, calibrated on this machine. Compared are bytes by DVC's own
account, seconds of training as the runs noted them (reports/times), and, where a rehearsal measured its stages, their
CPU seconds. What takes less than a second or a megabyte is shown and not judged. Best on an idle machine, where the
project was built.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.common import RESULTS, machine, print_table
from deepfake_adv.files import write_json

FACTOR = 1.5
_LEAST = {"cpu_s": 1.0, "device_s": 1.0, "bytes": 1e6}


def main() -> int:
    """Plan, compare, write."""
    arguments = _arguments()
    planned = plan(arguments.folder, arguments.calibration)
    rows = list(compare(planned, arguments.folder, _measured(arguments.measured)))
    print_table(rows)
    judged = [row for row in rows if row["judged"]]
    within = sum(row["factor"] <= FACTOR for row in judged)
    print(f"{within} of {len(judged)} within a factor of {FACTOR}")
    result = {"machine": machine("torch"), "of": arguments.name or arguments.folder.resolve().name, "rows": rows}
    write_json(arguments.output, result)
    return 0 if within == len(judged) else 1


def plan(folder: Path, calibration: Path) -> dict[str, Any]:
    """The folder's own plan, calibrated."""
    command = [sys.executable, "-m", "deepfake_adv", "plan", "--json", "--calibrate"]
    command += ["--calibration", str(calibration.resolve())]
    environment = {**os.environ, "PYTHONPATH": str(folder.resolve()), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(
    planned: Mapping[str, Any], folder: Path, measured: Mapping[str, Mapping[str, float]]
) -> Iterator[dict[str, Any]]:
    """A row for each figure that both know.

    Args:
        planned: The plan as JSON.
        folder: Of the project.
        measured: Stage -> `cpu_s` and more, by a rehearsal.
    """
    left = _left(folder)
    pairs: list[tuple[str, str, float | None, float | None]] = []
    for stage in planned["stages"]:
        name = stage["stage"]
        pairs.append((name, "bytes", stage["left"], left.get(name)))
        pairs.append((name, "cpu_s", stage["cpu_s"], measured.get(name, {}).get("cpu_s")))
    known = [run["device_hours"] for run in planned["training"].values()]
    if all(hours is not None for hours in known):
        decoding = sum(run["decode_hours"] for run in planned["training"].values())
        pairs.append(("train", "device_s", 3600 * (sum(known) + decoding), _trained(folder)))
    both = [(name, what, float(said), float(took)) for name, what, said, took in pairs if said and took]
    for key in ("bytes", "cpu_s"):
        of_key = [pair for pair in both if pair[1] == key]
        if of_key:
            both.append(("all of these", key, sum(pair[2] for pair in of_key), sum(pair[3] for pair in of_key)))
    for name, what, said, took in both:
        yield {
            "stage": name,
            "what": what,
            "planned": round(said, 1),
            "measured": round(took, 1),
            "factor": round(max(said / took, took / said), 2),
            "judged": max(said, took) >= _LEAST[what],
        }


def _left(folder: Path) -> dict[str, int]:
    """Bytes by stage, as dvc.lock has them; what stages of one name left is added up."""
    found: dict[str, int] = {}
    for path in (folder / "dvc.lock", folder / "outside/dvc.lock"):
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.exists() else {}
        for name, entry in content.get("stages", {}).items():
            stage = name.partition("@")[0]
            found[stage] = found.get(stage, 0) + sum(out.get("size", 0) for out in entry.get("outs", []))
    return found


def _trained(folder: Path) -> float | None:
    """Seconds that all trainings took, decoding among them, as they noted at the end of their last epoch."""
    seconds = []
    for path in sorted((folder / "reports/times").glob("*/*/*.csv")):
        with open(path, encoding="utf-8", newline="") as stream:
            seconds.append(float(list(csv.DictReader(stream))[-1]["seconds"]))
    return sum(seconds) or None


def _measured(path: Path | None) -> Mapping[str, Mapping[str, float]]:
    if path is None:
        return {}
    stages: Mapping[str, Mapping[str, float]] = json.loads(path.read_text(encoding="utf-8"))["stages"]
    return stages


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="a built project")
    parser.add_argument("--measured", type=Path, help="a rehearsal's result")
    parser.add_argument("--calibration", type=Path, default=Path("work/calibration.json"))
    parser.add_argument("--name", help="of the project, for the result")
    parser.add_argument("--output", type=Path, default=RESULTS / "plan.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
