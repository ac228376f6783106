"""Measure training: images/s of the loader alone, of the step alone and of both together.

    python -m benchmarks.train [--detector compact] [--size 96] [--batch 32] [--workers 2] [--device cpu|cuda]
    python -m benchmarks.train --detector efficientnet --size 256 --device cuda      # B7: FLOP use and peak memory

Predictions, written down before measuring (compact, 96 px, two cores): the loader with 2 workers gives 600 crops
of 160 px per second and core and a step of `baseline` takes 300, so both together reach 0.9 of the step alone, but
only 0.75 where the step's threads and the workers share two cores; with device.cache memory 0.98; with one thread for
the step (--threads 1), which leaves the workers a core, 0.95. B7 at 256 px,
batch 32, bf16 and channels_last on an H200: 30 % of the dense peak, 12 GiB for `baseline`.
"""

import argparse
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import RESULTS, interleave, machine, print_table, setting
from benchmarks.recipe import place, recipe
from deepfake_adv.corpus.render.take import film
from deepfake_adv.crops.codec import encode_crop
from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS
from deepfake_adv.data.batch import Batch
from deepfake_adv.data.loader import Loader
from deepfake_adv.data.manifest import crop_file_rows, write_manifest
from deepfake_adv.faces.box import Square
from deepfake_adv.files import write_json
from deepfake_adv.names import REAL, Condition
from deepfake_adv.params.training import Device
from deepfake_adv.training.setup import Plan, build_players, hold_in_memory, make_fabric, open_split, train_loader
from deepfake_adv.training.step import TrainingStep
from deepfake_adv.video.colour import rgb_to_i420

CONDITION = Condition("NT", "c23")
GENERATOR = {"blocks": 1, "width": 8}  # the demo's; the paper's has 3 blocks of width 64
METHODS: dict[str, dict[str, Any]] = {"baseline": {}, "two_gen_bat": {"kernel_size": 9}}
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "V100": 125e12}  # dense bf16 (V100: fp16) FLOP/s


def main() -> None:
    """Measure every method, precision and cache; print and write the result."""
    arguments = _arguments()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        manifests = fabricate(Path(name), arguments.videos, arguments.frames, arguments.side)
        for precision in arguments.precisions:
            for method in arguments.methods:
                for cache in arguments.caches:
                    rows.append(measure(arguments, manifests, method, precision, cache))
                    print_table(rows[-1:])
    print_table(rows)
    result = {"machine": machine("torch", "numpy", "pyarrow", "timm"), "setting": setting(arguments), "rows": rows}
    name = f"train-cpu-{torch.get_num_threads()}" if arguments.device == "cpu" else "train-cuda"
    write_json(arguments.output or RESULTS / f"{name}.json", result)


def measure(arguments: argparse.Namespace, manifests: Path, method: str, precision: str, cache: str) -> dict[str, Any]:
    """One row: images/s of the loader, the step and both, and on a GPU its use and peak memory."""
    plan, device = settings(arguments, method, precision, cache)
    fabric = make_fabric(device, precision)
    detector, game = build_players(plan, 0)
    if arguments.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    step = TrainingStep(fabric, detector, game, plan.train, seed=0, channels_last=True, compiled=arguments.compile)
    data = open_split(plan, manifests / "train.parquet", masks="none", landmarks=False)
    if cache == "memory":
        hold_in_memory([data], processes=1)
    loader = train_loader(plan, data, CONDITION, 0, clip_length=detector.clip_length, fabric=fabric, device=device)
    batches = endless(loader)
    fixed = next(batches)
    count = arguments.steps

    def step_alone() -> None:
        for number in range(count):
            step.run(fixed, number)

    def both() -> None:
        for number, batch in enumerate(islice(batches, count)):
            step.run(batch, number)

    times = interleave(
        {"loader": lambda: [None for _ in islice(batches, count)], "step": step_alone, "both": both},
        repeats=arguments.rounds,
        synchronise=torch.cuda.synchronize if arguments.device == "cuda" else lambda: None,
    )
    images = count * arguments.batch
    row: dict[str, Any] = {"method": method, "precision": precision, "cache": cache}
    row |= {f"{name} images/s": images / seconds for name, seconds in times.items()}
    row["both / step"] = times["step"] / times["both"]
    if arguments.device == "cuda":
        row["GiB"] = torch.cuda.max_memory_allocated() / 2**30
        row["FLOP use"] = flop_use(step, fixed, times["step"] / count)
    return row


def flop_use(step: TrainingStep, batch: Batch, seconds: float) -> float | None:
    """Share of the device's dense peak that a step's matrix products and convolutions make up."""
    name = torch.cuda.get_device_name()
    peak = next((value for key, value in PEAK.items() if key in name), None)
    if peak is None:
        return None
    with FlopCounterMode(display=False) as counter:
        step.run(batch, 0)
    result: float | None = counter.get_total_flops() / seconds / peak
    return result


def endless(loader: Loader) -> Iterator[Batch]:
    """Epoch after epoch."""
    while True:
        yield from loader


def settings(arguments: argparse.Namespace, method: str, precision: str, cache: str) -> tuple[Plan, Device]:
    """The recipe and place of a row."""
    train = recipe(size=arguments.size, batch=arguments.batch, precision=precision)
    device = place(arguments.device, compiled=arguments.compile, cache=cache, workers=arguments.workers)
    entry = {"name": method, **METHODS[method]}
    if method != "baseline" and arguments.detector == "compact":
        entry["generator"] = GENERATOR
    return Plan("bench", (CONDITION,), {"name": arguments.detector}, entry, train), device


def fabricate(root: Path, videos: int, frames: int, side: int) -> Path:
    """Crops of rendered faces as `crop` and `shard` leave them; give the folder of manifests."""
    data, tables = root / "data", []
    folder = data / "manifests" / "c23"
    folder.mkdir(parents=True)
    for forgery in (REAL, "NT"):
        crops = []
        for video in range(videos):
            taken = film(1, video, frames=frames, size=side + 16, fps=25.0)
            for frame, (picture, _) in enumerate(taken):
                image = encode_crop(rgb_to_i420(np.ascontiguousarray(picture)), Square(8, 8, side), "webp")
                crops.append(
                    dict.fromkeys(CROP_SCHEMA.names)
                    | {"image": {"bytes": image, "path": None}, "video": f"{forgery}/{video:03d}", "frame": frame}
                    | {"label": int(forgery != REAL), "forgery": forgery, "quality": "c23", "dataset": "bench"}
                    | {"split": "train", "target": f"{video:03d}", "encoding": "webp"}
                )
        path = data / f"{forgery}-train-000.parquet"
        pq.write_table(pa.Table.from_pylist(crops, schema=CROP_SCHEMA), path, row_group_size=32, **CROP_WRITE_OPTIONS)
        tables.append(crop_file_rows(path, data))
    write_manifest(pa.concat_tables(tables), folder / "train.parquet")
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", default="compact")
    parser.add_argument("--size", type=int, default=96, help="side of the images, pixels")
    parser.add_argument("--side", type=int, default=160, help="side of the stored crops, pixels")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, help="of the step on the CPU; default: one per core")
    parser.add_argument("--steps", type=int, default=20, help="per measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--precisions", nargs="+", default=["32-true", "bf16-mixed"])
    parser.add_argument("--caches", nargs="+", default=["none", "memory"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--output", type=Path, help="JSON file; default: in benchmarks/results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
