"""Video to crops: our stages against decoding alone and against the field's usual way.

Run as ``python -m benchmarks.preprocess``. All ways are measured on the same clips, interleaved, in CPU
seconds of one thread; a result is the median over rounds of the mean over clips. Prediction, written down
before measuring: crop / decode 1.4 (i420) and 1.9 (webp) at 720p c23, usual / ours 45 and 35.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks import ways
from benchmarks.clips import Clip, make_clips
from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, setting
from deepfake_adv.files import write_json

VARIANTS = 15  # of one FaceForensics++ target: original and four forgeries at three qualities
TARGETS = 1000
FRAMES = (720 * 270 + 280 * 100) / 1000  # sampled per video, mean over the splits
ENCODINGS = ("i420", "webp", "png")


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = make_clips(
            folder, source=arguments.clips, count=arguments.count, heights=arguments.heights,
            frames=arguments.frames, wanted=arguments.wanted,
        )  # fmt: skip
        seconds, sizes = _measure(clips, folder, arguments.rounds, arguments.sample)
        result: dict[str, Any] = {
            "machine": machine(*VIDEO_PACKAGES),
            "setting": setting(arguments),
            "cpu_seconds": seconds,
            "bytes_per_crop": sizes,
            "ratios": {kind: _ratios(values) for kind, values in seconds.items()},
            "all_of_ff": {kind: _project(values, sizes[kind], arguments.wanted) for kind, values in seconds.items()},
        }
    kind = "real" if arguments.clips else "rendered"
    write_json(arguments.output or RESULTS / f"preprocess-{kind}.json", result)
    print(json.dumps({key: result[key] for key in ("ratios", "all_of_ff")}, indent=2))


def _measure(
    clips: list[Clip], folder: Path, rounds: int, sample: int
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """CPU seconds per kind and way, and bytes per crop per kind and encoding."""
    taken: dict[tuple[str, str], list[list[float]]] = defaultdict(lambda: [[] for _ in range(rounds)])
    sizes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn in range(rounds):
        for number, clip in enumerate(clips):
            boxes = folder / f"boxes-{number}.parquet"
            once = {"decode": ways.decode(clip), "extract": ways.extract(clip)}
            for policy in ("fast", "shared"):
                once[f"locate_{policy}"] = ways.locate(clip, policy, boxes)
            for encoding in ENCODINGS:
                output = folder / "output.parquet"
                once[f"crop_{encoding}"] = ways.crop(clip, encoding, boxes, output)
                if turn == 0:
                    images = pq.read_table(output, columns=["image"])["image"].to_pylist()
                    sizes[clip.name, encoding] += [len(image["bytes"]) for image in images]
            once |= ways.usual(clip, folder / "usual", sample)
            once["locate_official"] = once["decode"] + once["detect"]
            for way, value in once.items():
                taken[clip.name, way][turn].append(value)
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for (kind, way), values in taken.items():
        seconds[kind][way] = round(float(np.median([np.mean(turn_values) for turn_values in values])), 3)
    bytes_per_crop: dict[str, dict[str, float]] = defaultdict(dict)
    for (kind, encoding), lengths in sizes.items():
        bytes_per_crop[kind][encoding] = round(float(np.mean(lengths)))
    return dict(seconds), dict(bytes_per_crop)


def _ratios(seconds: dict[str, float]) -> dict[str, float]:
    """To the decode floor, and of the usual way to ours."""
    ratios = {}
    for encoding in ENCODINGS:
        crop, locate = seconds[f"crop_{encoding}"], seconds["locate_shared"]
        ratios[f"crop_{encoding}/decode"] = crop / seconds["decode"]
        ratios[f"group_{encoding}/decode"] = (crop + locate / VARIANTS) / seconds["decode"]
        ratios[f"usual/group_{encoding}"] = seconds["usual"] / (crop + locate / VARIANTS)
        ratios[f"usual/own_detection_{encoding}"] = seconds["usual"] / (crop + locate)
    for policy in ("shared", "fast"):
        ratios[f"locate_official/locate_{policy}"] = seconds["locate_official"] / seconds[f"locate_{policy}"]
    return {name: round(value, 2) for name, value in ratios.items()}


def _project(seconds: dict[str, float], sizes: dict[str, float], wanted: int) -> dict[str, float]:
    """Core-hours and GB if all 15,000 videos of FaceForensics++ were like these clips."""
    share = FRAMES / wanted
    projection = {"hours_usual": seconds["usual"] * share * TARGETS * VARIANTS / 3600}
    for encoding in ENCODINGS:
        work = seconds[f"crop_{encoding}"] * VARIANTS + seconds["locate_shared"]
        projection[f"hours_{encoding}"] = work * share * TARGETS / 3600
        projection[f"gb_{encoding}"] = sizes[encoding] * FRAMES * TARGETS * VARIANTS / 1e9
    return {name: round(value, 1) for name, value in projection.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of real videos; without it faces are rendered")
    parser.add_argument("--count", type=int, default=2, help="faces")
    parser.add_argument("--heights", type=int, nargs="+", default=[480, 720])
    parser.add_argument("--frames", type=int, default=500, help="frames per clip")
    parser.add_argument("--wanted", type=int, default=270, help="frames sampled of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=10, help="frames of the usual way measured per clip and round")
    parser.add_argument("--output", type=Path, help="JSON file; default: in benchmarks/results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
