"""Random draws from FaceForensics++ at all qualities: hundreds of crop files, millions of crops.

Run as ``python -m benchmarks.draws``. Two crop files of full size (4,050 real pictures of 320 px each) stand under 840
names, so that the manifest, the sampler and the number of files are FaceForensics++'s, and the disk is not. Ways take
turns of eight batches and are timed in CPU seconds of one thread, page cache warm: "decode" keeps no picture,
"decode_batch" puts them into an array of a batch, "store" reads and decodes what `sampling: draws` asks for, and
"row_groups" reads the same crops as parquet readers do: open the file, read and check the row group (up to 128 files
stay open). Then a loader with workers runs over the same draws, and over a manifest of 64 crops; the difference of
their private memory is what size costs.

Prediction: store 1.12 of decode_batch and 1.0 of the bytes used; row_groups 3 ms a crop more than store; 20 MB of
private memory per worker for the size.
"""

import argparse
import json
import os
import pickle
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, setting
from benchmarks.shards import BATCH, DIFFERENT, Way, drain, in_turns, make_crop, make_row, ratio, write_crops
from deepfake_adv.corpus.render.take import film
from deepfake_adv.crops.codec import decode_crop
from deepfake_adv.data.loader import BatchSource, Loader
from deepfake_adv.data.manifest import CropTable, crop_file_rows, read_manifest, write_manifest
from deepfake_adv.data.sampler import BalancedSampler
from deepfake_adv.data.store import CropStore
from deepfake_adv.files import write_json
from deepfake_adv.names import REAL

OPEN_FILES = 128
FAKES = 4  # forgeries: files of fakes to one of reals
VIDEOS, FRAMES = 15, 270  # of a crop file


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    cv2.setNumThreads(1)  # as in the workers
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as name:
        folder = Path(name)
        encoded, rows = _files(folder, arguments)
        manifest = folder / "train.parquet"
        write_manifest(rows, manifest)
        small = folder / "small.parquet"
        write_manifest(pa.concat_tables([rows.slice(0, 32), rows.slice(len(rows) - 32)]), small)
        del rows
        result: dict[str, Any] = {"machine": machine(*VIDEO_PACKAGES), "setting": setting(arguments)}
        result |= _measure(folder, manifest, encoded, arguments)
        if arguments.workers:
            result["memory"] = _memory(folder, manifest, small, arguments)
    write_json(arguments.output, result)
    print(json.dumps(result, indent=2))


def _files(folder: Path, arguments: argparse.Namespace) -> tuple[dict[bool, list[bytes]], pa.Table]:
    """Crop files under many names; give the crops of a real and a fake file, and the manifest's rows."""
    side = arguments.side
    pictures = [picture for k in range(3) for picture, _ in film(1, k, frames=20, size=side + 16, fps=25.0)]
    crops = [make_crop(pictures, k // 16, k % 16, side, "i420") for k in range(DIFFERENT)]
    encoded: dict[bool, list[bytes]] = {}
    tables = []
    for fake in (False, True):
        forgery = "NT" if fake else REAL
        places = [(video, k) for video in range(VIDEOS) for k in range(FRAMES)]
        values = [
            make_row(f"{forgery}/{video:03d}_900", k, crops[n % DIFFERENT], side, "i420")
            for n, (video, k) in enumerate(places)
        ]
        encoded[fake] = [bytes(bytearray(value["image"]["bytes"])) for value in values]
        first = folder / f"crops/bench/{forgery}-000.parquet"
        write_crops(first, values)
        table = crop_file_rows(first, folder)
        for number in range(arguments.files * (FAKES if fake else 1) // (FAKES + 1)):
            path = folder / f"crops/bench/{forgery}-train-{number:03d}.parquet"
            os.link(first, path)
            texts = {"file": pa.array([path.relative_to(folder).as_posix()] * len(table))}
            texts["video"] = pa.array([f"{forgery}/{number:03d}_{video:03d}" for video, _ in places])
            own = table
            for column, array in texts.items():
                own = own.set_column(own.column_names.index(column), column, array)
            tables.append(own.cast(table.schema))
    return encoded, pa.concat_tables(tables)


def _measure(
    folder: Path, manifest: Path, encoded: dict[bool, list[bytes]], arguments: argparse.Namespace
) -> dict[str, Any]:
    begin = time.process_time()
    table = read_manifest(manifest)
    opened = time.process_time()
    sampler = _sampler(table)
    plan = sampler.batches(0).reshape(-1, BATCH)[: arguments.batches]
    planned = time.process_time()
    store = CropStore(table, folder, image_size=arguments.side)
    indexed = time.process_time()
    position = table.columns["row_group"].to_numpy() * 32 + table.columns["row"].to_numpy()
    asked = [[encoded[bool(table.labels[row])][position[row]] for row in rows] for rows in plan]
    ways: dict[str, Way] = {
        "decode": lambda: (drain(decode_crop(data, "i420") for data in batch) for batch in asked),
        "decode_batch": lambda: (_into_batch(batch, arguments.side) for batch in asked),
        "store": lambda: (store.fetch(rows) for rows in plan),
        "row_groups": lambda: _row_groups(folder, table, plan),
    }
    in_turns(ways, len(plan))  # once for the page cache
    rounds = [in_turns(ways, len(plan)) for _ in range(arguments.rounds)]
    before = _read_bytes()
    drain(store.fetch(rows) for rows in plan)
    used = sum(len(data) for batch in asked for data in batch)
    crops = plan.size
    return {
        "files": len(set(table.strings("file"))),
        "crops": len(table),
        "footer_bytes": pq.read_metadata(folder / str(table.strings("file")[0])).serialized_size,
        "manifest_bytes": manifest.stat().st_size,
        "cpu_s": {
            "read_manifest": round(opened - begin, 3),
            "plan_epoch": round(planned - opened, 3),
            "open_store": round(indexed - planned, 3),
        },
        "ms_per_crop": {
            name: round(1000 * float(np.median([taken[name] for taken in rounds])) / crops, 4) for name in ways
        },
        "store/decode": ratio(rounds, "store", "decode"),
        "store/decode_batch": ratio(rounds, "store", "decode_batch"),
        "row_groups/decode": ratio(rounds, "row_groups", "decode"),
        "bytes_read/used": round((_read_bytes() - before) / used, 3),
    }


def _sampler(table: CropTable, steps: int = 2000) -> BalancedSampler:
    return BalancedSampler(
        table.labels, table.videos, table.frames, table.groups, batch_size=BATCH, steps=steps, mode="draws", seed=1
    )


def _into_batch(batch: list[bytes], side: int) -> object:
    out = np.empty((len(batch), side, side, 3), np.uint8)
    for data, room in zip(batch, out, strict=True):
        decode_crop(data, "i420", room)
    return out


def _row_groups(folder: Path, table: CropTable, plan: NDArray[np.int64]) -> Iterator[object]:
    """The plan's batches through parquet's own readers."""
    names = table.strings("file")
    groups, rows = (table.columns[name].to_numpy() for name in ("row_group", "row"))
    opened: OrderedDict[str, pq.ParquetFile] = OrderedDict()

    def one(row: int) -> object:
        name = str(names[row])
        if name not in opened:
            opened[name] = pq.ParquetFile(folder / name, memory_map=True, page_checksum_verification=True)
        opened.move_to_end(name)
        if len(opened) > OPEN_FILES:
            opened.popitem(last=False)[1].close(force=True)
        group = opened[name].read_row_group(int(groups[row]), columns=["image.bytes"], use_threads=False).flatten()
        return decode_crop(memoryview(group["image.bytes"][int(rows[row])].as_buffer()), "i420")

    return (drain(one(int(row)) for row in batch) for batch in plan)


def _read_bytes() -> int:
    """Bytes that this process has read from files, by Linux's count."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("rchar")))


def _memory(folder: Path, manifest: Path, small: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Private megabytes of a worker over both manifests, and what is sent to it."""
    result: dict[str, Any] = {"workers": arguments.workers}
    for name, path in (("all", manifest), ("64_crops", small)):
        table = read_manifest(path)
        store = CropStore(table, folder, image_size=arguments.side)
        sampler = _sampler(table, steps=arguments.batches)
        source = BatchSource(store, np.arange(len(table)), table.labels)
        loader = Loader(source, sampler.batches, sampler.steps, workers=arguments.workers)
        drain(loader)
        workers = loader._loader._iterator._workers  # type: ignore[union-attr]
        private = [_private(worker.pid) for worker in workers]
        order = next(iter(loader.remaining))
        result[name] = {
            "private_mb_per_worker": round(float(np.mean(private)), 1),
            "sent_at_start_bytes": len(pickle.dumps(loader._loader.dataset)),
            "sent_per_batch_bytes": len(pickle.dumps(order)),
        }
    return result


def _private(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(kilobytes) / 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=840)
    parser.add_argument("--side", type=int, default=320, help="pixels, even")
    parser.add_argument("--batches", type=int, default=40, help="of 32 crops")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="0: memory is not measured")
    parser.add_argument("--scratch", type=Path, help="folder with room for 0.5 GB; default: the system's")
    parser.add_argument("--output", type=Path, default=RESULTS / "draws.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
