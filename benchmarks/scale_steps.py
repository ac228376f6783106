"""What `scale` measures: each step takes a folder that was made up for it, and gives facts about what it did."""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import sklearn.linear_model  # noqa: F401 - train-all imports it, and SciPy with it, before it forks an evaluation

from benchmarks.fabricated import DATASET, PAPER_NUMBERS, QUALITY, RUNS, evaluated
from deepfake_adv.data.manifest import CropTable, read_manifest, select, verify_files
from deepfake_adv.data.sampler import BalancedSampler
from deepfake_adv.data.shard import make_manifests
from deepfake_adv.data.store import CropStore
from deepfake_adv.datasets.inventory import inventory_datasets
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.evaluation import outputs
from deepfake_adv.evaluation.run import Settings
from deepfake_adv.extraction.boxes import find_boxes, read_boxes
from deepfake_adv.extraction.crop import ROWS_PER_FILE, plan_files
from deepfake_adv.extraction.cutting import CropOptions, CropTask
from deepfake_adv.extraction.frames import FrameStore
from deepfake_adv.extraction.groups import plan_groups
from deepfake_adv.files import read_json
from deepfake_adv.names import Condition
from deepfake_adv.reporting.page import write_report
from deepfake_adv.reporting.shown.base import Inputs
from deepfake_adv.reporting.write_tables import build_tables, write_levels, write_tables

_TASKS = 50  # whose pickled size, or boxes, are looked at
_WORKERS = 2
_STEPS, _BATCH = 2000, 32
# A command of DVC, then its own peak of memory: the kernel's count for children includes what they were forked from
_DVC = """
import sys
from pathlib import Path
from dvc.cli import main
code = main(sys.argv[1:2])
Path(sys.argv[2]).write_text(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
sys.exit(code)
"""
ROOT = Path(__file__).parents[1]


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
    read_boxes(chosen[0].boxes, chosen[0].ranges)
    start = time.process_time()
    found = sum(len(read_boxes(task.boxes, task.ranges)) for task in chosen)
    return {"seconds": time.process_time() - start, "boxes": found}


def shard_thinned(folder: Path) -> dict[str, Any]:
    """The stage `shard`, balanced and thinned."""
    summary = make_manifests(
        QUALITY, folder / "crops", folder / "inventory", folder / "thinned", parts=[(DATASET, QUALITY)],
        balance="equal", detected_only=False, max_frames=8, leaks="fatal", seed=0,
    )  # fmt: skip
    return {"crops": summary["crops"]}


def shard(folder: Path) -> dict[str, Any]:
    """The stage `shard` as the paper profile has it; its manifests are what the next steps read."""
    summary = make_manifests(
        QUALITY, folder / "crops", folder / "inventory", folder / "manifests" / QUALITY, parts=[(DATASET, QUALITY)],
        balance="none", detected_only=False, max_frames=None, leaks="fatal", seed=0,
    )  # fmt: skip
    size = sum(path.stat().st_size for path in (folder / "manifests").rglob("*.parquet"))
    frames = folder / "frames" / DATASET / QUALITY / "frames.parquet"
    crops = summary["crops"]
    return {"crops": crops, "bytes": size, "frame_row_bytes": round(frames.stat().st_size / crops, 2)}


def sampler_start(folder: Path) -> dict[str, Any]:
    """From a manifest to the first epoch's plan."""
    table = _manifest(folder)
    return {"crops": len(table), "planned": int(_sampler(table).batches(0).size)}


def loader_start(folder: Path) -> dict[str, Any]:
    """From a manifest to the first batch, by two workers; the sampler among it."""
    from deepfake_adv.data.loader import BatchSource, Loader  # here, as it brings torch

    table = _manifest(folder)
    rows = select(table, Condition("NT", QUALITY))
    verify_files(table, rows, folder)
    store = CropStore(table, folder, image_size=16)
    source = BatchSource(store, np.arange(len(table)), table.labels)
    loader = Loader(source, _sampler(table).batches, _STEPS, workers=_WORKERS)
    start = time.monotonic()
    first = next(iter(loader))
    return {"images": len(first), "first_batch_wall_s": round(time.monotonic() - start, 2)}


def inventory(folder: Path) -> dict[str, Any]:
    """The stage `inventory`; a second run finds what the first has noted."""
    layout = build_layout("csv", folder / "root", [], {})
    inventory_datasets(
        [PartOnDisk(DATASET, "native", layout)], folder / "inventory", min_frames=10, missing_is_fatal=True,
        contradictions_are_fatal=True, max_unreadable_share=0, execution={"workers": 1}, memory=folder / "memory",
    )  # fmt: skip
    return {"bytes": sum(path.stat().st_size for path in (folder / "inventory").rglob("*.csv"))}


def inventory_again(folder: Path) -> dict[str, Any]:
    """See `inventory`."""
    return inventory(folder)


def evaluate_run(folder: Path, resamples: int = 1000) -> dict[str, Any]:
    """The stage `evaluate` of one run, as a fork of train-all's."""
    settings = Settings(resamples, 0.95, 0)
    measured, origin = evaluated(folder, settings)
    outputs.write_metrics(folder / "metrics.json", measured)
    outputs.write_evaluation(folder / "run.json", "run", measured, origin)
    outputs.write_roc(folder / "run.csv", measured)
    outputs.write_confusion(folder / "confusion.csv", measured)
    size = sum((folder / name).stat().st_size for name in ("metrics.json", "run.json", "run.csv", "confusion.csv"))
    path = folder / "scores.parquet"
    row = path.stat().st_size / pq.ParquetFile(path).metadata.num_rows
    facts = {"conditions": len(measured), "resamples": settings.resamples}
    return facts | {"bytes": size, "score_row_bytes": round(row, 2)}


def evaluate_plain(folder: Path) -> dict[str, Any]:
    """The same without intervals."""
    return evaluate_run(folder, 0)


def tables(folder: Path) -> dict[str, Any]:
    """The stage `tables`."""
    facts = read_json(folder / RUNS)
    runs = {name: (method, detector) for name, (method, detector) in facts["runs"].items()}
    built = build_tables(
        folder / "evaluation", folder / "attack", PAPER_NUMBERS, runs=runs, roles=facts["roles"],
        baseline=facts["baseline"], confidence=0.95, own_corpus={},
    )  # fmt: skip
    write_tables(built, folder / "tables")
    write_levels(folder / "evaluation", runs, folder / "tables")
    return {"tables": len(built), "cells": sum(table.measured for table in built)}


def report(folder: Path) -> dict[str, Any]:
    """The stage `report`, without faces and without the studies."""
    places = ("tables", "evaluation", "roc", "examples", "robustness", "inventory", "faces", "crops")
    facts, figures = read_json(folder / RUNS), folder / "figures"
    runs = {name: (method, detector) for name, (method, detector) in facts["runs"].items()}
    write_report(
        Inputs(*(folder / place for place in places)), folder / "report.html", figures, title="Scale",
        dpi=150, runs=runs, baseline=facts["baseline"], confidence=0.95, own_corpus={},
    )  # fmt: skip
    curves = sum(len(list(figures.glob(f"{kind}*.svg"))) for kind in ("roc", "training"))
    size = (folder / "report.html").stat().st_size
    return {"bytes": size, "curves": curves, "conditions": facts["conditions"]}


def dvc_status(folder: Path) -> dict[str, Any]:
    """`dvc status` where nothing changed."""
    return _dvc(folder, "status")


def dvc_repro(folder: Path) -> dict[str, Any]:
    """`dvc repro` where nothing changed, but for the two stages that always run."""
    return _dvc(folder, "repro")


OF_VIDEOS: Sequence[Callable[[Path], dict[str, Any]]] = (plan_locate, plan_crop, boxes_of_a_task, shard_thinned)
OF_CROPS: Sequence[Callable[[Path], dict[str, Any]]] = (shard, sampler_start, loader_start)
OF_FILES: Sequence[Callable[[Path], dict[str, Any]]] = (inventory, inventory_again)
OF_SCORES: Sequence[Callable[[Path], dict[str, Any]]] = (evaluate_run, evaluate_plain)
OF_RUNS: Sequence[Callable[[Path], dict[str, Any]]] = (tables, report)
OF_STAGES: Sequence[Callable[[Path], dict[str, Any]]] = (dvc_status, dvc_repro)


def _dvc(folder: Path, command: str) -> dict[str, Any]:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = [sys.executable, "-c", _DVC, command, str(folder / "peak.txt")]
    subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return {"mb": int((folder / "peak.txt").read_text(encoding="ascii")) / 1024}


def _manifest(folder: Path) -> CropTable:
    return read_manifest(folder / "manifests" / QUALITY / "train.parquet")


def _sampler(table: CropTable) -> BalancedSampler:
    return BalancedSampler(
        table.labels, table.videos, table.frames, table.groups, batch_size=_BATCH, steps=_STEPS, mode="draws"
    )


def _crop_tasks(folder: Path) -> list[CropTask]:
    """As `crop_part` makes them."""
    store = FrameStore(folder / "frames" / DATASET / QUALITY, folder)
    boxes = folder / "faces" / DATASET / "boxes.parquet"
    ranges, options = find_boxes(boxes, QUALITY), CropOptions(1.3, "webp", False)
    counts = {video: len(indices) for video, indices in store.indices.items()}
    plan = plan_files(list(store.rows.values()), counts, ROWS_PER_FILE)
    return [
        CropTask(
            DATASET, QUALITY, store.rows[video], store.of(video), boxes, ranges[video], folder, options, folder / "x"
        )
        for file in plan
        for video in file.videos
    ]
