"""How time and memory of what is done per dataset, not per pixel, grow with the number of videos.

Run as ``python -m benchmarks.scale``. The tables of inventory, frames, boxes and crops are made up for two numbers of
videos; each step runs in a process of its own, which gives its CPU seconds and the memory at its peak beyond what it
had once its libraries were loaded. The exponent is that of the power of the number of videos that the two times fit:
1 is linear, and a step that parses a table per video would have 2. ``read_boxes`` is per task, so flat: 0.

Prediction: no exponent above 1.15, no task above 4 kB, reading one video's boxes as fast at either size.
"""

import argparse
import json
import math
import multiprocessing
import pickle
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, machine, print_table, setting
from benchmarks.fabricated import DATASET, QUALITY, write_tables, write_tree
from deepfake_adv.data.shard import make_manifests
from deepfake_adv.datasets.inventory import inventory_datasets
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import Part
from deepfake_adv.extraction.box_rows import find_boxes, read_boxes
from deepfake_adv.extraction.crop_files import ROWS_PER_FILE, plan_files
from deepfake_adv.extraction.cutting import CropOptions, CropTask
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.extraction.groups import plan_groups
from deepfake_adv.files import write_json

Step = Callable[[Path], dict[str, Any]]

_TASKS = 50  # whose pickled size, or boxes, are looked at


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for steps, sizes, fabricate in (
            (TABLE_STEPS, arguments.videos, lambda folder, size: write_tables(folder, size, arguments.frames)),
            (TREE_STEPS, arguments.tree, lambda folder, size: write_tree(folder / "root", size)),
        ):
            folders = {size: Path(name) / f"{len(rows)}-{size}" for size in sizes}
            for size, folder in folders.items():
                fabricate(folder, size)
            rows += [_grown(step, folders) for step in steps]
    print_table([{key: value for key, value in row.items() if key != "facts"} for row in rows])
    packages = ("numpy", "pyarrow", "av")
    write_json(arguments.output, {"machine": machine(*packages), "setting": setting(arguments), "steps": rows})
    print(json.dumps({row["step"]: row["facts"] for row in rows if row["facts"]}, indent=2))


def plan_locate(folder: Path) -> dict[str, Any]:
    """The task list of `locate`."""
    groups = plan_groups(folder / "frames" / DATASET, folder / "inventory" / DATASET, root=folder, shared=True)
    return {"groups": len(groups), "largest_task_bytes": max(len(pickle.dumps(group)) for group in groups[:_TASKS])}


def plan_crop(folder: Path) -> dict[str, Any]:
    """The task list of `crop`."""
    tasks = _crop_tasks(folder)
    return {"tasks": len(tasks), "largest_task_bytes": max(len(pickle.dumps(task)) for task in tasks[:_TASKS])}


def boxes_of_a_task(folder: Path) -> dict[str, Any]:
    """What a task of `crop` does before it decodes, of tasks all over the list; the first open is not counted."""
    tasks = _crop_tasks(folder)
    chosen = tasks[:: max(len(tasks) // _TASKS, 1)][:_TASKS]
    read_boxes(chosen[0].boxes, chosen[0].runs)
    start = time.process_time()
    found = sum(len(read_boxes(task.boxes, task.runs)) for task in chosen)
    return {"seconds": time.process_time() - start, "boxes": found}


def shard(folder: Path) -> dict[str, Any]:
    """The stage `shard`, balanced and thinned."""
    summary = make_manifests(
        QUALITY, folder / "crops", folder / "inventory", folder / "manifests", parts=[(DATASET, QUALITY)],
        balance="equal", detected_only=False, max_frames=8, leaks="fatal", seed=0,
    )  # fmt: skip
    return {"crops": summary["crops"]}


def inventory(folder: Path) -> dict[str, Any]:
    """The stage `inventory`; a second run finds what the first has noted."""
    layout = build_layout("csv", folder / "root", [], {})
    inventory_datasets(
        [Part(DATASET, "native", layout)], folder / "inventory", min_frames=10, missing_is_fatal=True,
        contradictions_are_fatal=True, max_unreadable_share=0, execution={"workers": 1}, memory=folder / "memory",
    )  # fmt: skip
    return {}


def inventory_again(folder: Path) -> dict[str, Any]:
    """See `inventory`."""
    return inventory(folder)


TABLE_STEPS: tuple[Step, ...] = (plan_locate, plan_crop, boxes_of_a_task, shard)
TREE_STEPS: tuple[Step, ...] = (inventory, inventory_again)


def _crop_tasks(folder: Path) -> list[CropTask]:
    """As `crop_part` makes them."""
    store = FrameStore(folder / "frames" / DATASET / QUALITY, folder)
    boxes = folder / "faces" / DATASET / "boxes.parquet"
    runs, options = find_boxes(boxes, QUALITY), CropOptions(1.3, "webp", False)
    counts = {video: len(indices) for video, indices in store.indices.items()}
    plan = plan_files(list(store.rows.values()), counts, ROWS_PER_FILE)
    return [
        CropTask(
            DATASET, QUALITY, store.rows[video], store.of(video), boxes, runs[video], folder, options, folder / "x"
        )
        for file in plan
        for video in file.videos
    ]


def _grown(step: Step, folders: dict[int, Path]) -> dict[str, Any]:
    found = {size: _alone(step, folder) for size, folder in folders.items()}
    (few, small), *_, (many, large) = sorted(found.items())
    row: dict[str, Any] = {"step": step.__name__, "videos": f"{few} {many}"}
    row |= {f"{name}_{key}": value[key] for name, value in (("few", small), ("many", large)) for key in ("s", "mb")}
    row["exponent"] = round(math.log(large["s"] / small["s"]) / math.log(many / few), 2)
    return row | {"facts": {str(size): value["facts"] for size, value in found.items() if value["facts"]}}


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
    before, start = _peak_mb(), time.process_time()
    facts = step(folder)
    seconds = facts.pop("seconds", time.process_time() - start)
    out.send({"s": round(seconds, 4), "mb": round(_peak_mb() - before, 1), "facts": facts})


def _peak_mb() -> float:
    """Linux's own mark; `ru_maxrss` would begin with what the parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, nargs=2, default=[5_000, 120_000], help="of the made-up tables")
    parser.add_argument("--frames", type=int, default=10, help="sampled per video")
    parser.add_argument("--tree", type=int, nargs=2, default=[500, 4_000], help="videos on disk, for the inventory")
    parser.add_argument("--output", type=Path, default=RESULTS / "scale.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
