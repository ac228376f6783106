"""Time the bootstrap.

Reach: 1,000 resamples of 20 conditions, each 280 videos x 100 frames, in 20 s.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, machine, setting
from deepfake_adv.evaluation.bootstrap import Sample, replicate
from deepfake_adv.evaluation.metrics import all_metrics
from deepfake_adv.evaluation.units import Units, find_units
from deepfake_adv.files import write_json


def fabricate(rng: np.random.Generator, videos: int, frames: int) -> Sample:
    """Scores of half real, half fake videos whose frames share an effect of their video."""
    cluster = np.repeat(np.arange(videos), frames)
    labels = (cluster >= videos // 2).astype(np.int64)
    logits = rng.normal(2 * labels + rng.normal(0, 1, videos)[cluster], 1)
    return Sample(1 / (1 + np.exp(-logits)), labels, cluster)


def pairs(videos: int) -> Units:
    """As in FaceForensics++: real i and j, and the fakes i_j and j_i, make a pair."""
    people = [f"{k:04d}" for k in range(videos // 2)]
    others = [people[k ^ 1] for k in range(len(people) // 2 * 2)] + people[len(people) // 2 * 2 :]
    names = [*people, *map("_".join, zip(people, others, strict=True))]
    forgeries = ["real"] * len(people) + ["NT"] * len(people)
    return find_units("b", names, forgeries, people * 2, [""] * len(people) + others)


def bootstrap(conditions: int, videos: int, frames: int, resamples: int) -> dict[str, Any]:
    """Seconds for all metrics of all conditions, and the same for resampling and sorting one by one."""
    rng = np.random.default_rng(0)
    samples = [fabricate(rng, videos, frames) for _ in range(conditions)]
    start = time.perf_counter()
    for sample in samples:
        replicate(sample, pairs(videos).draw(resamples, 0))
    taken = time.perf_counter() - start
    sample, few = samples[0], 10
    drawn = pairs(videos).draw(few, 0)
    start = time.perf_counter()
    for weights in drawn:
        times = weights[sample.cluster].astype(np.int64)
        all_metrics(np.repeat(sample.scores, times), np.repeat(sample.labels, times))
    sorting = (time.perf_counter() - start) / few * resamples * conditions
    return {
        "conditions": conditions,
        "videos": videos,
        "frames_per_video": frames,
        "resamples": resamples,
        "seconds": round(taken, 2),
        "seconds_by_sorting_each_resample_extrapolated": round(sorting, 1),
        "reach_seconds": 20,
    }


def main() -> None:
    """Time it and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--output", type=Path, default=RESULTS / "evaluate.json")
    arguments = parser.parse_args()
    quick = arguments.quick
    result = {
        "machine": machine("numpy"),
        "setting": setting(arguments),
        "bootstrap": bootstrap(*((2, 40, 20, 100) if quick else (20, 280, 100, 1000))),
    }
    write_json(arguments.output, result)
    print(result)


if __name__ == "__main__":
    main()
