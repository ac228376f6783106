"""The default policy's face tracks against the official detector's on every frame, both smoothed.

Run as ``python -m benchmarks.tracks [--clips FOLDER]``. Clips as in `preprocess`, but looked at for their boxes, not
their time: IoU of the two boxes of each sampled frame, and the share of the official box that ours covers. The
detector's boxes come in steps, so that even neighbouring frames differ: a track is compared with a track. Smoothing and
the look between two boxes that disagree were chosen among some fifty ways on the three largest real clips (--count 3):
predicted there 0.92 and 0.93 for 480p and 720p (5th percentile 0.84 and 0.83). The next clips in size (--first 3) and
rendered faces had no part in it.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Clip, make_clips
from benchmarks.common import RESULTS, VIDEO_PACKAGES, machine, setting
from benchmarks.ways import SHARED
from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.faces.box import FaceBox, iou
from deepfake_adv.faces.dlib_hog import DlibHog
from deepfake_adv.faces.policy import Policy
from deepfake_adv.faces.track import Track, detect_sparse, fill_track
from deepfake_adv.files import write_json
from deepfake_adv.video.colour import i420_to_rgb
from deepfake_adv.video.read import read_frames
from deepfake_adv.video.shots import mark_cuts, planes_thumbnail

Agreement = dict[str, NDArray[np.float64]]
PERCENTILES = {"median": 50, "p5": 5, "least": 0}


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    found: dict[str, list[Agreement]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        clips = make_clips(
            Path(name), source=arguments.clips, first=arguments.first, count=arguments.count,
            heights=arguments.heights, frames=arguments.frames, wanted=arguments.wanted,
        )  # fmt: skip
        chosen = [clip for clip in clips if clip.quality in arguments.qualities]
        for outcome in map_tasks(agreement, chosen, desc="tracks", unit="clips"):
            if outcome.value is None:
                raise RuntimeError(outcome.error)
            found[outcome.task.name].append(outcome.value)
    result = {
        "machine": machine(*VIDEO_PACKAGES),
        "setting": setting(arguments),
        "agreement": {kind: _summary(parts) for kind, parts in sorted(found.items())},
    }
    kind = "real" if arguments.clips else "rendered"
    write_json(arguments.output or RESULTS / f"tracks-{kind}.json", result)
    print(json.dumps(result["agreement"], indent=2))


def agreement(clip: Clip) -> Agreement:
    """Compare the tracks of one clip.

    Returns:
        Per sampled frame: `iou` of the two boxes, `covered` share of the official box in ours; and `looked_at`, the
        share of the frames that our track is made of.
    """
    find = DlibHog(upsample=1)
    every_frame, thumbnails = [], []
    for planes in read_frames(clip.path, clip.indices):
        every_frame.append(find(i420_to_rgb(planes)))
        thumbnails.append(planes_thumbnail(planes))
    ours = SHARED.build()
    marked = list(mark_cuts(range(len(every_frame)), thumbnails.__getitem__))
    tracks = [
        _track(clip, every_frame, marked, policy) for policy in (replace(ours, every=1, agree=0.0, same=0.0), ours)
    ]
    pairs = [(FaceBox(*a), FaceBox(*b)) for a, b in zip(*(track.boxes for track, _ in tracks), strict=True)]
    return {
        "iou": np.array([iou(a, b) for a, b in pairs]),
        "covered": np.array([_covered(a, b) for a, b in pairs]),
        "looked_at": np.array([tracks[1][1] / len(every_frame)]),
    }


def _track(
    clip: Clip, every_frame: list[list[FaceBox]], marked: list[tuple[int, bool]], policy: Policy
) -> tuple[Track, int]:
    """The track, and how many frames it looked at."""
    frames = (((int(clip.indices[place]), place), cut) for place, cut in marked)
    detections = detect_sparse(
        frames, every_frame.__getitem__, every=policy.every, agree=policy.agree, same=policy.same
    )
    chosen = {position: boxes[0] for position, boxes in detections.found.items() if boxes}
    track = fill_track(detections, chosen, same=policy.same, smooth=policy.smooth, max_gap=SHARED.max_gap)
    return track, len(detections.found)


def _covered(box: FaceBox, by: FaceBox) -> float:
    width = min(box.x1, by.x1) - max(box.x0, by.x0)
    height = min(box.y1, by.y1) - max(box.y0, by.y0)
    return max(width, 0.0) * max(height, 0.0) / ((box.x1 - box.x0) * (box.y1 - box.y0))


def _summary(parts: list[Agreement]) -> dict[str, float]:
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    looked_at = values.pop("looked_at").mean()
    agreed = {
        f"{name}_{label}": round(float(np.nanpercentile(pooled, percent)), 3)
        for name, pooled in values.items()
        for label, percent in PERCENTILES.items()
    }
    return agreed | {"looked_at": round(float(looked_at), 3)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of real videos; without it faces are rendered")
    parser.add_argument("--count", type=int, default=3, help="faces")
    parser.add_argument("--first", type=int, default=0, help="face; of real videos the largest is 0")
    parser.add_argument("--heights", type=int, nargs="+", default=[480, 720])
    parser.add_argument("--qualities", nargs="+", default=["c23"], choices=["c23", "c40"])
    parser.add_argument("--frames", type=int, default=500, help="frames per clip")
    parser.add_argument("--wanted", type=int, default=270, help="frames sampled of them")
    parser.add_argument("--output", type=Path, help="JSON file; default: in benchmarks/results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
