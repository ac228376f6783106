"""CPU seconds and peak memory of `predict` per video against decoding its sampled frames alone, in one run.

Run as ``python -m benchmarks.predict --clips FOLDER --detector RUN``. Each way runs in a process of its own, in turns,
on every video of the folder: its peak memory is then its own. The detector is loaded and one video done before the
clock starts. CPU seconds, as a busy machine stretches those on the wall.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, print_table, setting
from deepfake_adv.files import write_json
from deepfake_adv.prediction.inputs import list_inputs
from deepfake_adv.video.picture import is_picture

WAYS = ("decode", "look", "predict", "report", "annotate")
"""Frames alone; faces found and cut; scored; and the page, or the copy with boxes, on top."""


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    clips = [path for path in list_inputs([arguments.clips]) if not is_picture(path)][: arguments.count]
    if arguments.way:
        print(json.dumps(_measure(arguments.way, clips, arguments.detector)))
        return
    before = machine(*VIDEO_PACKAGES, "torch")
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(arguments.repeats):
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.predict", "--way", way, *_same(arguments)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[way].append(json.loads(done.stdout))
    rows = [{"way": way, **_summary(parts, found["decode"])} for way, parts in found.items()]
    result = {"machine": before, "setting": setting(arguments), "videos": len(clips), "ways": rows}
    write_json(arguments.output or RESULTS / "predict.json", result)
    print_table(rows)


def _summary(parts: Sequence[dict[str, Any]], decode: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Medians over the turns; a ratio is the median over the videos of each one's own."""
    seconds = [statistics.median(times) for times in zip(*(part["seconds"] for part in parts), strict=True)]
    alone = [statistics.median(times) for times in zip(*(part["seconds"] for part in decode), strict=True)]
    return {
        "cpu_seconds_per_video": round(statistics.mean(seconds), 3),
        "times_decoding": round(statistics.median(a / b for a, b in zip(seconds, alone, strict=True)), 2),
        "peak_mb": round(statistics.median(part["peak_mb"] for part in parts)),
        "peak_mb_before_the_first_video": round(statistics.median(part["idle_mb"] for part in parts)),
    }


def _measure(way: str, clips: Sequence[Path], detector: Path) -> dict[str, Any]:
    carry_out = _prepare(way, detector)
    idle = _peak()
    carry_out(clips[0])
    seconds = []
    for clip in clips:
        start = time.process_time()
        carry_out(clip)
        seconds.append(time.process_time() - start)
    return {"seconds": seconds, "peak_mb": _peak(), "idle_mb": idle}


def _prepare(way: str, detector: Path) -> Callable[[Path], object]:
    """What is done with each video; everything is imported and loaded before it is called."""
    from deepfake_adv.files import read_json
    from deepfake_adv.prediction.media import Limits, open_medium
    from deepfake_adv.prediction.people import look
    from deepfake_adv.prediction.settings import face_settings

    record = read_json(detector / "run.json")
    settings = face_settings(record)
    if way == "decode":

        def decode(clip: Path) -> None:
            medium = open_medium(clip, settings.frames, one_video=False, strict=False, limits=Limits())
            for _ in medium.read():
                pass

        return decode
    if way == "look":
        return lambda clip: look(clip, settings, int(record["image_size"]))
    from deepfake_adv.prediction.annotate import annotate
    from deepfake_adv.prediction.batch import BatchOptions, predict_all
    from deepfake_adv.prediction.page import write_page
    from deepfake_adv.training.trained import load_trained

    trained = load_trained(detector)
    kept = tempfile.TemporaryDirectory()

    def predict(clip: Path) -> None:
        rows = list(predict_all([clip], trained, settings, options=BatchOptions(workers=1, quiet=True)))
        if way == "report":
            write_page(Path(kept.name) / "page.html", rows, trained, settings, quiet=True)
        if way == "annotate" and rows[0]["score"] is not None:
            annotate(rows[0], Path(kept.name) / "copy.mp4")

    return predict


def _peak() -> float:
    """Peak memory of this process, MB; getrusage's would be that of the process that started it, if that is larger."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _same(arguments: argparse.Namespace) -> list[str]:
    return [
        "--clips", str(arguments.clips), "--detector", str(arguments.detector), "--count", str(arguments.count)
    ]  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--detector", type=Path, required=True, help="a trained detector, <run>/<condition>/seed<k>")
    parser.add_argument("--clips", type=Path, required=True, help="folder of videos")
    parser.add_argument("--count", type=int, default=8, help="videos")
    parser.add_argument("--repeats", type=int, default=1, help="turns")
    parser.add_argument("--way", choices=WAYS, help="measure this one in this process; used by the benchmark itself")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
