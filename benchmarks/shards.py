"""Crops in parquet as a training source: against loose files, LMDB and webdataset tar files.

Run as ``python -m benchmarks.shards``. The same encoded crops lie in every store (some hundred different ones,
repeated, since the time of a read does not depend on the picture); ways take turns of eight batches and are timed
in CPU seconds of one thread, page cache warm, so that decoding is the floor: "decode" keeps no picture, "decode_batch"
puts them into an array of a batch, as every loader must. A second part, on metadata alone, counts the row groups that a
filter on one forgery and quality touches. Prediction: fetch + decode at most 1.05 of decoding into a batch, 0.8 of a
full shuffle's distinct videos per batch.
"""

import argparse
import io
import json
import tarfile
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, setting
from benchmarks.ways import cpu_seconds
from deepfake_adv.corpus.render.take import film
from deepfake_adv.crops.codec import decode_crop, encode_crop
from deepfake_adv.crops.files import CROP_WRITE_OPTIONS, METADATA, ROW_GROUP, crop_schema
from deepfake_adv.data.manifest import CropTable, crop_file_rows, read_manifest, write_manifest
from deepfake_adv.data.sampler import BalancedSampler
from deepfake_adv.data.store import CropStore
from deepfake_adv.faces.box import Square
from deepfake_adv.files import write_json
from deepfake_adv.names import FF_FORGERIES, REAL
from deepfake_adv.video.colour import rgb_to_i420

BATCH = 32
TURN = 8  # batches of one way in a row: the first pays for what another way did to caches and allocator
DIFFERENT = 192  # crops that are encoded; the stores repeat them
QUALITIES = ("c23", "c40")

Picture = NDArray[np.uint8]
Way = Callable[[], Iterator[object]]  # gives a batch at each step


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    cv2.setNumThreads(1)  # as in the workers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = [
            picture for k in range(3) for picture, _ in film(1, k, frames=20, size=arguments.side + 16, fps=25.0)
        ]
        encodings = {kind: _measure(folder / kind, kind, pictures, arguments) for kind in ("webp", "i420")}
        result: dict[str, Any] = {
            "machine": machine(*VIDEO_PACKAGES),
            "setting": setting(arguments),
            "encodings": encodings,
            "pruning": _pruning(folder / "pruning"),
        }
    write_json(arguments.output, result)
    print(json.dumps({"encodings": encodings, "pruning": result["pruning"]}, indent=2))


def _measure(folder: Path, encoding: str, pictures: list[Picture], arguments: argparse.Namespace) -> dict[str, Any]:
    """Reads per CPU second of each way, and distinct videos per batch."""
    side, videos, count = arguments.side, arguments.videos, arguments.crops
    places = [(video, k) for video in range(videos) for k in range(count)][:DIFFERENT]
    crops = [make_crop(pictures, video, k, side, encoding) for video, k in places]
    rows = [
        make_row(f"{REAL if v % 2 else 'NT'}/{v:03d}_900", k, crops[(v * count + k) % len(crops)], side, encoding)
        for v in range(videos)
        for k in range(count)
    ]
    table = _store(folder, rows)
    sampler = BalancedSampler(
        table.labels, table.videos, table.frames, table.groups,
        batch_size=BATCH, steps=None, mode="full", pool=arguments.pool,
    )  # fmt: skip
    plan = sampler.batches(0).reshape(-1, BATCH)[: arguments.batches]
    shuffled = np.random.default_rng(0).permutation(len(rows))[: plan.size]
    by_row = table.strings("video").tolist(), table.frames.tolist()
    place = {(row["video"], row["frame"]): row for row in rows}
    # every one at a place of its own, as different crops would be
    encoded = [bytes(bytearray(place[key]["image"]["bytes"])) for key in zip(*by_row, strict=True)]
    ways = _ways(folder, encoding, encoded, table, plan, shuffled, side)
    in_turns(ways, len(plan))  # once for the page cache
    rounds = [in_turns(ways, len(plan)) for _ in range(arguments.rounds)]
    seconds = {name: float(np.median([taken[name] for taken in rounds])) for name in ways}
    distinct = [len(set(table.videos[batch].tolist())) for batch in plan]
    ideal = [len(set(table.videos[batch].tolist())) for batch in shuffled.reshape(-1, BATCH)]
    return {
        "reads_per_s": {name: round(plan.size / value, 1) for name, value in seconds.items()},
        "parquet/decode": ratio(rounds, "parquet_planned", "decode"),
        "parquet/decode_batch": ratio(rounds, "parquet_planned", "decode_batch"),
        "parquet_random/decode": ratio(rounds, "parquet_random", "decode"),
        "loose_png/parquet": ratio(rounds, "loose_png_pil", "parquet_planned"),
        "distinct_videos": round(float(np.mean(distinct)), 2),
        "distinct_videos_ideal": round(float(np.mean(ideal)), 2),
        "distinct_share": round(float(np.mean(distinct) / np.mean(ideal)), 3),
        "bytes_per_crop": round(float(np.mean([len(data) for data in encoded]))),
    }


def in_turns(ways: dict[str, Way], batches: int) -> dict[str, float]:
    """CPU seconds of each way over all batches; each round of turns begins with another way."""
    at_work = {name: way() for name, way in ways.items()}
    taken = dict.fromkeys(ways, 0.0)
    names = deque(ways)
    for start in range(0, batches, TURN):
        for name in names:
            turn = islice(at_work[name], min(TURN, batches - start))
            taken[name] += cpu_seconds(partial(drain, turn))
        names.rotate()
    return taken


def ratio(rounds: list[dict[str, float]], way: str, other: str) -> float:
    return round(float(np.median([taken[way] / taken[other] for taken in rounds])), 3)


def _ways(
    folder: Path,
    encoding: str,
    encoded: list[bytes],
    table: CropTable,
    plan: NDArray[np.int64],
    shuffled: NDArray[np.int64],
    side: int,
) -> dict[str, Way]:
    """Ways of decoding the plan's batches."""
    loose, tar = folder / "loose", folder / "crops.tar"
    loose.mkdir()
    pngs = {data: _png(decode_crop(data, encoding)) for data in dict.fromkeys(encoded)}
    environment = lmdb.open(str(folder / "lmdb"), map_size=2 * sum(map(len, encoded)) + (1 << 26))
    with environment.begin(write=True) as writing, tarfile.open(tar, "w") as archive:
        for number, data in enumerate(encoded):
            writing.put(f"{number:08d}".encode(), data)
            info = tarfile.TarInfo(f"{number:08d}.crop")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
            (loose / f"{number}.bin").write_bytes(data)
            (loose / f"{number}.png").write_bytes(pngs[data])
    reading = environment.begin()
    mixed = shuffled.reshape(-1, BATCH)

    def parquet(order: NDArray[np.int64]) -> Iterator[object]:
        store = CropStore(table, folder, image_size=side)
        return (store.fetch(batch) for batch in order)

    def tars() -> Iterator[object]:
        samples = iter(webdataset.WebDataset(str(tar), shardshuffle=False).shuffle(1000))
        return (decode(sample["crop"] for sample in islice(samples, BATCH)) for _ in mixed)

    def decode(each: Iterable[bytes]) -> object:
        return drain(decode_crop(data, encoding) for data in each)

    def batch(rows: NDArray[np.int64]) -> object:
        out = np.empty((BATCH, side, side, 3), np.uint8)
        for row, room in zip(rows, out, strict=True):
            picture = decode_crop(encoded[row], encoding, room)
            if picture is not room:
                room[:] = picture
        return out

    def pictures(rows: NDArray[np.int64]) -> object:
        return drain(np.asarray(Image.open(loose / f"{row}.png")) for row in rows)

    return {
        "decode": lambda: (decode(encoded[row] for row in rows) for rows in plan),
        "decode_batch": lambda: (batch(rows) for rows in plan),
        "parquet_planned": lambda: parquet(plan),
        "parquet_random": lambda: parquet(mixed),
        "lmdb": lambda: (decode(bytes(reading.get(f"{row:08d}".encode()) or b"") for row in rows) for rows in mixed),
        "loose_same": lambda: (decode((loose / f"{row}.bin").read_bytes() for row in rows) for rows in mixed),
        "loose_png_pil": lambda: (pictures(rows) for rows in mixed),
        "webdataset": tars,
    }


def drain(pictures: Iterable[object]) -> object:
    """Make them all and keep none: kept ones would be paid for in fresh pages."""
    return deque(pictures, maxlen=0)


def _png(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    return buffer.getvalue()


def make_crop(pictures: list[Picture], video: int, number: int, side: int, encoding: str) -> bytes:
    """A crop like no other: another picture, offset and brightness."""
    picture = pictures[(7 * video + number) % len(pictures)]
    x, y = (2 * ((video + k * number) % 9) for k in (1, 3))
    lit = cv2.convertScaleAbs(picture, alpha=0.7 + 0.05 * (video % 9))
    planes = rgb_to_i420(np.asarray(lit[: side + 16, : side + 16], np.uint8))
    return encode_crop(planes, Square(x, y, side), encoding)


def make_row(video: str, frame: int, data: bytes, side: int, encoding: str, quality: str = "c23") -> dict[str, Any]:
    forgery, name = video.split("/")
    values = {"video": video, "frame": frame, "time": frame / 25, "label": int(forgery != REAL), "forgery": forgery}
    values |= {"quality": quality, "split": "train", "dataset": "bench", "target": name, "source": None}
    numbers = dict.fromkeys(("box_x", "box_y", "face_x0", "face_y0"), 0) | dict.fromkeys(("face_x1", "face_y1"), side)
    values |= numbers | {"box_side": side, "detected": True, "width": side, "height": side, "encoding": encoding}
    assert set(METADATA) == {*values, "landmarks"}
    return {"image": {"bytes": data, "path": "crop"}, "mask": None, **values, "landmarks": None}


def _store(folder: Path, rows: list[dict[str, Any]]) -> CropTable:
    """Crop files per forgery, and a manifest over them."""
    for forgery in sorted({row["forgery"] for row in rows}):
        write_crops(
            folder / "crops" / "bench" / "c23" / f"{forgery}-train-000.parquet",
            [r for r in rows if r["forgery"] == forgery],
        )
    tables = [crop_file_rows(path, folder) for path in sorted(folder.glob("crops/bench/c23/*.parquet"))]
    write_manifest(pa.concat_tables(tables), folder / "train.parquet")
    return read_manifest(folder / "train.parquet")


def write_crops(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_pylist(rows, schema=crop_schema()), path, row_group_size=ROW_GROUP, **CROP_WRITE_OPTIONS
    )


def _pruning(folder: Path) -> dict[str, float]:
    """Row groups that "NT at c23" leaves of five classes at two qualities, by their statistics."""
    kept = total = 0
    for quality in QUALITIES:
        for forgery in (REAL, *map(str, FF_FORGERIES)):
            path = folder / quality / f"{forgery}-train-000.parquet"
            write_crops(
                path,
                [make_row(f"{forgery}/{v:03d}_900", k, b"", 8, "png", quality) for v in range(20) for k in range(40)],
            )
            metadata = pq.read_metadata(path)
            for group in (metadata.row_group(number) for number in range(metadata.num_row_groups)):
                names = [group.column(k).path_in_schema for k in range(group.num_columns)]
                wanted = (("forgery", "NT"), ("quality", "c23"))
                statistics = [(group.column(names.index(name)).statistics, value) for name, value in wanted]
                total += 1
                kept += all(found.min <= value <= found.max for found, value in statistics)
    return {"row_groups": total, "touched": kept, "share": kept / total}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--crops", type=int, default=96, help="per video")
    parser.add_argument("--side", type=int, default=320, help="pixels, even")
    parser.add_argument("--batches", type=int, help="of 32 crops; without it a whole pass")
    parser.add_argument("--pool", type=int, default=32, help="row groups mixed at a time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS / "shards.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
