"""One run's scores to its metrics: what the `evaluate` stage does."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.evaluation import metrics, replicates
from deepfake_adv.evaluation.bootstrap import Sample, interval, replicate
from deepfake_adv.evaluation.ratios import measure_ratios
from deepfake_adv.evaluation.scores import TestSet
from deepfake_adv.evaluation.support import Support
from deepfake_adv.files import fingerprint
from deepfake_adv.names import FAKE_LABEL

logger = logging.getLogger(__name__)

LEVELS: Final = ("frame", "video")
Supports = Mapping[tuple[str, int], Support]
"""What the validation videos of each detector support, by training condition and seed."""

_NONE: Final[Supports] = MappingProxyType({})

KEPT: Final = ("auc", "acc")  # frame-level metrics that tables compare and average need replicates


class Settings(NamedTuple):
    """How intervals are made."""

    resamples: int
    confidence: float
    seed: int


class Evaluated(NamedTuple):
    """One test condition: its entry in the evaluation file, TPR on `ROC_GRID`, and video calls.

    `calls` is ``(videos, 2)`` bool: is fake, was called fake; all seeds one after another.
    """

    entry: dict[str, Any]
    roc: NDArray[np.float64]
    calls: NDArray[np.bool_]


ROC_GRID: Final = np.unique(np.concatenate([[0.0], np.logspace(-4, -1, 61), np.linspace(0.1, 1, 91)]).round(6))


def evaluate(test_sets: Iterator[TestSet], settings: Settings, supports: Supports = _NONE) -> Iterator[Evaluated]:
    """Measure every test set; likelihood ratios too where `supports` has its detector.

    Raises:
        ValueError: At the end, if no frame could be measured.
    """
    counts = Counter[str]()
    scored = 0
    for test in test_sets:
        found = evaluate_one(test, settings, supports)
        scored += sum(found.entry["frames"].values())
        if reason := found.entry.get("undefined"):
            logger.warning("%s tested on %s of %s: %s", test.train, test.test, test.dataset, reason)
        yield found
        counts[test.train] += 1
    if not scored:
        raise ValueError(
            "scores must hold a frame that can be measured; got none with a finite score. See what "
            "`score` reports about the crops and the weights, and score again."
        )
    for train, number in counts.items():
        logger.info("%s measured on %d test conditions", train, number)


def evaluate_one(test: TestSet, settings: Settings, supports: Supports = _NONE) -> Evaluated:
    """Metrics with intervals at frame and video level, averaged over seeds."""
    seeds = sorted(test.frames)
    sample = test.frames[seeds[0]]
    drawn = test.units.draw(settings.resamples, settings.seed)
    entry: dict[str, Any] = {
        "train": test.train,
        "dataset": test.dataset,
        "test": str(test.test),
        "seeds": seeds,
        "frames": count_classes(sample),
        "videos": count_classes(test.videos[seeds[0]]),
        "lost_frames": test.lost_frames,
        "lost_videos": test.lost_videos,
        "drawn": {"kind": test.units.kind, "count": test.units.count()},
    }
    if reason := _undefined(entry["frames"]):
        entry["undefined"] = reason
    kept: dict[str, Any] = {"sample": fingerprint([test.fingerprint, *settings])}
    for level in LEVELS:
        samples = [(test.frames if level == "frame" else test.videos)[seed] for seed in seeds]
        entry[level], packed = measure(samples, drawn, test.units.count(), settings)
        if level == "frame":
            kept.update(packed)
    if settings.resamples:
        entry["replicates"] = kept
    if own := {seed: supports[test.train, seed] for seed in seeds if (test.train, seed) in supports}:
        resampled = drawn if settings.resamples else None
        entry["ratios"] = measure_ratios(
            test.videos, own, resampled,
            units=test.units.count(), confidence=settings.confidence, seed=settings.seed,
        )  # fmt: skip
    counts = [metrics.confusion(test.frames[seed].scores, test.frames[seed].labels) for seed in seeds]
    entry["confusion"] = dict(zip(counts[0]._fields, np.mean(counts, axis=0).round(2).tolist(), strict=True))
    curves = [metrics.roc_on_grid(metrics.curve(s.scores, s.labels), ROC_GRID) for s in test.frames.values()]
    calls = [np.stack([s.labels == FAKE_LABEL, s.scores > metrics.THRESHOLD], axis=1) for s in test.videos.values()]
    return Evaluated(entry, np.mean(curves, axis=0), np.concatenate(calls))


def measure(
    samples: list[Sample],
    drawn: NDArray[np.float32],
    units: int,
    settings: Settings,
    threshold: float = metrics.THRESHOLD,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Every metric, averaged over seeds, with its interval; and packed replicates of those in `KEPT`.

    Args:
        samples: Of each seed.
        drawn: ``(resamples, videos)``, how often each video was drawn.
        units: Number of units that were drawn.
        settings: Of the intervals.
        threshold: Of accuracy and false-positive rate.
    """
    points = [metrics.all_metrics(sample.scores, sample.labels, threshold) for sample in samples]
    resampled = [replicate(sample, drawn, threshold) for sample in samples] if settings.resamples else []
    level: dict[str, Any] = {}
    packed: dict[str, str] = {}
    for name in metrics.METRICS:
        values = [point[name] for point in points]
        low = high = float("nan")
        if resampled:
            combined = replicates.over_seeds([each[name] for each in resampled], settings.seed)
            low, high = interval(combined, settings.confidence, units)
            if name in KEPT and np.isfinite(values).any():
                packed[name] = replicates.pack(combined)
        level[name] = {"value": number(np.mean(values)), "low": number(low), "high": number(high)}
        if len(values) > 1:
            level[name]["seeds"] = [number(value) for value in values]
    return level, packed


def _undefined(frames: dict[str, int]) -> str:
    """Why metrics that need both classes have no value; empty where they have."""
    lacking = [name for name, count in frames.items() if not count]
    if not lacking:
        return ""
    if len(lacking) == len(frames):
        return "nothing is defined, since no frame has a score"
    return f"AUC, AP, EER and TPR are undefined, since there is no {lacking[0]} frame with a score"


def number(value: float | np.floating[Any]) -> float | None:
    """Six decimals, and JSON's null for what is undefined."""
    return round(float(value), 6) if np.isfinite(value) else None


def count_classes(sample: Sample) -> dict[str, int]:
    """Number of real and of fake items."""
    fakes = int((sample.labels == FAKE_LABEL).sum())
    return {"real": len(sample.labels) - fakes, "fake": fakes}
