"""What a video, a frame, a megapixel and a megabyte cost in each stage of the data path: the rates that a plan takes.

Run as ``python -m benchmarks.stages``. Rendered clips of several sizes, lengths and qualities go through what the
stages do for one video, in CPU seconds of one thread; non-negative coefficients are fitted to them, relative errors
weighing the same for a small clip and a large one. A second part takes the memory of a worker at its peak, in a fresh
process for each stage. What starting a stage costs is in `benchmarks.starts`.

    decode     constant + megapixels decoded + megabytes read
    extract    constant + frames (form `index`); form `frames`: decode + megapixels written
    locate     constant + decode (twice with landmarks) + megapixels looked at + frames with landmarks, whose model is
               loaded for each clip here, in a stage once per worker
    crop       constant + decode + crops + megapixels cut, per encoding
    inventory  constant + megabytes read

Prediction: every measured time is within a factor of 1.3 of its fit.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.optimize import nnls

from benchmarks import ways
from benchmarks.clips import ALL_CRF, CRF, Clip, as_part, make_clips
from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, setting
from deepfake_adv.corpus.build import build
from deepfake_adv.extraction.frames import STORE
from deepfake_adv.extraction.tracking import locate_group
from deepfake_adv.files import write_json
from deepfake_adv.video.encode import write_ffv1
from deepfake_adv.video.read import frame_times, probe, read_frames

# height, frames, wanted, qualities
SETTINGS: Sequence[tuple[int, int, int, Mapping[Any, int]]] = (
    (96, 40, 12, CRF),
    (160, 240, 40, CRF),
    (480, 60, 20, CRF),
    (480, 160, 120, ALL_CRF),
)
ENCODINGS = ("i420", "webp", "png")
LARGE = 720


def main() -> None:
    """Measure, fit and write the result; what is there of other parts is kept."""
    arguments = _arguments()
    if arguments.peak:
        print(json.dumps(_peak(arguments.peak, Path(arguments.folder))))
        return
    result: dict[str, Any] = {}
    if arguments.output.exists():
        result = json.loads(arguments.output.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        for part in arguments.parts:
            for found in PARTS[part](Path(name), arguments.rounds):
                result |= {"machine": machine(*VIDEO_PACKAGES), "setting": setting(arguments), **found}
                if "clips" in found:
                    result |= {"bytes_per_pixel": _sizes(result["clips"]), **_fits(result["clips"])}
                write_json(arguments.output, result)  # so that one that is stopped has not worked for nothing
    print(json.dumps({key: value for key, value in result.items() if key != "clips"}, indent=2))


def measure_clips(folder: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """What each clip costs in each stage."""
    rows: list[dict[str, Any]] = []
    for number, (height, frames, wanted, crf) in enumerate(SETTINGS):
        clips = make_clips(
            folder / str(number), source=None, count=1, heights=[height], frames=frames, wanted=wanted, crf=crf
        )
        for clip in clips:
            rows.append(_measure(clip, folder, rounds))
            yield {"clips": rows}


def measure_memory(folder: Path, _: int) -> Iterator[dict[str, Any]]:
    """A worker's memory at its peak, with a clip of `LARGE` lines."""
    clip = make_clips(folder / "peak", source=None, count=1, heights=[LARGE], frames=24, wanted=12, distinct=4)[0]
    ways.locate(clip, "shared", folder / "boxes.parquet")
    workers = {stage: _alone(stage, folder)["mb"] for stage in ("extract", "locate", "crop")}
    yield {"worker_mb": {"megapixels": clip.row.width * clip.row.height / 1e6, **workers}}


def measure_rows(folder: Path, _: int) -> Iterator[dict[str, Any]]:
    """Bytes of a row of boxes, landmarks among them, and of what lies beside a crop's picture."""
    place = folder / "rows"
    clip = make_clips(place, source=None, count=1, heights=[160], frames=200, wanted=200, distinct=4)[0]
    boxes, piece = folder / "boxes.parquet", folder / "piece.parquet"
    task = ways.locate_task(clip, "shared", boxes)
    locate_group(replace(task, options=replace(task.options, landmarks="dlib")))
    ways.crop(clip, "i420", boxes, piece)
    images = sum(len(image["bytes"]) for image in pq.read_table(piece, columns=["image"])["image"].to_pylist())
    rows = {"box": _data_bytes(boxes), "crop": _data_bytes(piece) - images}
    yield {"row_bytes": {name: round(size / len(clip.indices), 1) for name, size in rows.items()}}


def _data_bytes(path: Path) -> int:
    """Of a parquet file's columns, without its footer."""
    metadata = pq.ParquetFile(path).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return sum(group.column(k).total_compressed_size for group in groups for k in range(group.num_columns))


def measure_corpus(folder: Path, _: int) -> Iterator[dict[str, Any]]:
    """CPU seconds and bytes of the rendered corpus, by pairs and by megapixels of a clip."""
    rows = []
    for number, (frames, side) in enumerate(((6, 128), (24, 160))):
        begin, place = time.process_time(), folder / f"corpus-{number}"
        build(
            place, source="procedural", folder=None, seed=1, pairs={"train": 1, "val": 1, "test": 1}, frames=frames,
            size=side, fps=25, max_shorter_side=480, execution={"workers": 1}, scratch=folder / "work",
        )  # fmt: skip
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        pixels = 3 * frames * side**2 / 1e6
        rows.append({"pairs": 3, "megapixels": pixels, "cpu_s": time.process_time() - begin, "bytes": size})
    design = np.array([[row["pairs"], row["megapixels"]] for row in rows])
    found, _ = nnls(design, np.array([row["cpu_s"] for row in rows]))
    fit = {"pair": round(float(found[0]), 4), "megapixel": round(float(found[1]), 4)}
    peak = int(Path("/proc/self/status").read_text(encoding="ascii").partition("VmHWM:")[2].split()[0]) / 1024
    fit |= {"megapixel_bytes": round(rows[-1]["bytes"] / rows[-1]["megapixels"]), "worker_mb": round(peak, 1)}
    yield {"corpus": {"rows": rows, **fit}}


PARTS: Mapping[str, Callable[[Path, int], Iterator[dict[str, Any]]]] = {
    "clips": measure_clips, "memory": measure_memory, "rows": measure_rows, "corpus": measure_corpus,
}  # fmt: skip


def _measure(clip: Clip, folder: Path, rounds: int) -> dict[str, Any]:
    """The least of some rounds per way, and what the clip amounts to."""
    boxes, piece = folder / "boxes.parquet", folder / "piece.parquet"
    task = ways.locate_task(clip, "shared", boxes)
    points = replace(task, options=replace(task.options, landmarks="dlib"), output=folder / "points.parquet")
    timed: dict[str, Callable[[], object]] = {
        "inventory": lambda: probe(clip.path),
        "extract_index": lambda: frame_times(clip.path),
        "extract_frames": lambda: write_ffv1(folder / f"{STORE}.mkv", read_frames(clip.path, clip.indices)),
        "decode_store": lambda: [None for _ in read_frames(folder / f"{STORE}.mkv", range(len(clip.indices)))],
        "decode": lambda: [None for _ in read_frames(clip.path, clip.indices)],
        "locate": lambda: locate_group(task),
        "locate_points": lambda: locate_group(points),
    }
    for encoding in ENCODINGS:
        cut = (clip, encoding, boxes, piece)
        timed[f"crop_{encoding}"] = lambda cut=cut: ways.crop(*cut)  # type: ignore[misc]
    locate_group(task)  # models are loaded once for a worker
    locate_group(points)
    seconds = {name: min(ways.cpu_seconds(work) for _ in range(rounds)) for name, work in timed.items()}
    facts = {"height": clip.height, "width": clip.row.width, "frames": clip.row.frames, "quality": str(clip.quality)}
    facts |= {"wanted": len(clip.indices), "mb": clip.path.stat().st_size / 1e6, "looks": _looks(clip, folder)}
    facts["store_mb"] = (folder / f"{STORE}.mkv").stat().st_size / 1e6
    for encoding in ENCODINGS:
        ways.crop(clip, encoding, boxes, piece)
        table = pq.read_table(piece, columns=["image", "box_side"])
        facts["crop_side"] = float(np.mean(table["box_side"].to_numpy()))
        facts[f"bytes_{encoding}"] = float(np.mean([len(image["bytes"]) for image in table["image"].to_pylist()]))
    print(clip.name, facts, seconds, file=sys.stderr, flush=True)
    return {**facts, "cpu_s": {name: round(value, 5) for name, value in seconds.items()}}


def _looks(clip: Clip, folder: Path) -> int:
    """Frames that the locator looks at: all but those between two that agree."""
    found = []
    from deepfake_adv.extraction import tracking

    build = tracking._locator

    def counting(*arguments: Any) -> Any:
        locator = build(*arguments)
        return lambda rgb: found.append(1) or locator(rgb)  # type: ignore[func-returns-value]

    tracking._locator = counting  # type: ignore[assignment]
    try:
        locate_group(ways.locate_task(clip, "shared", folder / "looks.parquet"))
    finally:
        tracking._locator = build
    return len(found)


def _fits(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Coefficients by stage, and how far the worst clip is from its fit."""

    def column(function: Callable[[Mapping[str, Any]], float]) -> NDArray[np.float64]:
        return np.array([function(row) for row in rows], float)

    def seconds(name: str) -> NDArray[np.float64]:
        return column(lambda row: row["cpu_s"][name])

    one, pixels = np.ones(len(rows)), column(lambda row: row["width"] * row["height"] / 1e6)
    frames, wanted = column(lambda row: row["frames"]), column(lambda row: row["wanted"])
    megabytes, cut = column(lambda row: row["mb"]), column(lambda row: row["wanted"] * row["crop_side"] ** 2 / 1e6)
    decode = seconds("decode")
    parts: dict[str, tuple[NDArray[np.float64], NDArray[np.float64], dict[str, NDArray[np.float64]]]] = {
        "inventory": (seconds("inventory"), 0 * one, {"video": one, "frame": frames, "megabyte": megabytes}),
        "extract_index": (
            seconds("extract_index"), 0 * one, {"video": one, "frame": frames, "megabyte": megabytes}
        ),
        "extract_frames": (seconds("extract_frames"), decode, {"video": one, "megapixel": wanted * pixels}),
        "decode": (decode, 0 * one, {"video": one, "megapixel": frames * pixels, "megabyte": megabytes}),
        "decode_store": (
            seconds("decode_store"), 0 * one,
            {"video": one, "megapixel": wanted * pixels, "megabyte": column(lambda row: row["store_mb"])},
        ),
        "locate": (
            seconds("locate"), decode,
            {"video": one, "megapixel_looked": column(lambda row: row["looks"]) * pixels, "frame": wanted},
        ),
        "points": (
            seconds("locate_points"), seconds("locate") + decode,
            {"load": one, "frame": wanted, "megapixel": wanted * pixels},
        ),
    }  # fmt: skip
    for encoding in ENCODINGS:
        encoded = column(lambda row: row["wanted"] * row[f"bytes_{encoding}"] / 1e6)  # noqa: B023
        terms = {"video": one, "crop": wanted, "megapixel": cut, "megabyte": encoded}
        parts[f"crop_{encoding}"] = (seconds(f"crop_{encoding}"), decode, terms)
    fits, errors = {}, {}
    for name, (whole, known, terms) in parts.items():
        design = np.stack(list(terms.values()), axis=1)
        found, _ = nnls(design / whole[:, None], np.clip(whole - known, 0, None) / whole)
        ratio = (design @ found + known) / whole
        fits[name] = {term: round(float(value), 8) for term, value in zip(terms, found, strict=True)}
        errors[name] = round(float(np.exp(np.abs(np.log(ratio)).max())), 3)
    looked = float(np.sum(column(lambda row: row["looks"])) / np.sum(wanted))
    return {"cpu_s": fits, "worst_factor": errors, "looked_share": round(looked, 4)}


def _sizes(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Encoded bytes per pixel of a crop, by quality and encoding; of the store of frames per pixel of a frame."""
    sizes: dict[str, dict[str, float]] = {}
    for quality in dict.fromkeys(row["quality"] for row in rows):
        mine = [row for row in rows if row["quality"] == quality]
        pixels = sum(row["wanted"] * row["crop_side"] ** 2 for row in mine)
        values = {name: sum(row["wanted"] * row[f"bytes_{name}"] for row in mine) / pixels for name in ENCODINGS}
        whole = sum(row["wanted"] * row["width"] * row["height"] for row in mine)
        values["frames"] = sum(row["store_mb"] * 1e6 for row in mine) / whole
        sizes[quality] = {name: round(float(found), 4) for name, found in values.items()}
    return sizes


def _alone(what: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.stages", "--peak", what, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _peak(stage: str, folder: Path) -> dict[str, float]:
    """Peak resident memory of this process, MB, after one video."""
    path = next(folder.glob("peak/*/root/*.mp4"))
    clip = as_part(path, folder / "again" / "c23", 12, LARGE, "c23")
    boxes = folder / "peak.parquet"
    if stage == "extract":
        frame_times(clip.path)
    elif stage == "locate":
        task = ways.locate_task(clip, "shared", boxes)
        locate_group(replace(task, options=replace(task.options, landmarks="dlib")))
    else:
        ways.crop(clip, "i420", folder / "boxes.parquet", boxes)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {"mb": round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=RESULTS / "stages.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
