"""One process, two, and Ray where it is installed, at the same crop tasks: wall time, and the same bytes.

The start of the processes is included, so few tasks gain less. Prediction:
two processes 1.8 times as fast as one. (A first measurement with six tasks had 1.7 and 1.6.)
"""

import argparse
import json
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import ways
from benchmarks.clips import Clip, make_clips
from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, setting
from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.extraction.cutting import crop_video
from deepfake_adv.files import write_json


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = make_clips(folder, source=None, count=1, heights=[480], frames=500, wanted=270)[0]
        rows = [compare(clip, folder, copies) for copies in arguments.copies]
    write_json(arguments.output, {"machine": machine(*VIDEO_PACKAGES), "setting": setting(arguments), "rows": rows})
    print(json.dumps(rows, indent=2))


def compare(clip: Clip, folder: Path, copies: int) -> dict[str, Any]:
    """Wall seconds of stage `crop` over copies of a clip; stops if an engine leaves other bytes."""
    boxes = folder / "boxes.parquet"
    ways.locate(clip, "shared", boxes)
    engines: dict[str, dict[str, Any]] = {"one": {"workers": 1}, "two": {"workers": 2}}
    if find_spec("ray"):
        engines["ray"] = {"engine": "ray"}
    wall, left = {}, {}
    for name, options in engines.items():
        tasks = [ways.crop_task(clip, "webp", boxes, folder / f"{name}-{k}.parquet") for k in range(copies)]
        start = time.perf_counter()
        errors = [outcome.error for outcome in map_tasks(crop_video, tasks, desc=name, **options) if outcome.error]
        wall[name] = round(time.perf_counter() - start, 2)
        assert not errors, errors
        left[name] = {task.output.read_bytes() for task in tasks}
    assert all(value == left["one"] and len(value) == 1 for value in left.values())
    return {"tasks": copies, **wall, "one/two": round(wall["one"] / wall["two"], 2)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, nargs="+", default=[4, 16], help="tasks")
    parser.add_argument("--output", type=Path, default=RESULTS / "engines.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
