"""What happens in a take: head pose, speech, blinks and glances over time, from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.anatomy import Expression

Track = NDArray[np.float64]

# Half the width of a face, share of the frame's: 87 px of 160 in the mean. With smaller ones, dlib misses more than one
# in twenty at c40 (docs/calibration.md).
_SIZES = (0.25, 0.295)


@dataclass(frozen=True)
class Pose:
    """Where the head is: angles in radians, scale in frame pixels per head unit, position in pixels."""

    yaw: float
    pitch: float
    roll: float
    scale: float
    x: float
    y: float


def perform(rng: np.random.Generator, times: Track, size: int) -> list[tuple[Pose, Expression]]:
    """A performance: one pose and expression per moment of ``times`` (seconds) in a square frame."""
    u = rng.uniform
    yaw = np.deg2rad(wander(rng, times, u(3, 9), u(-7, 7)))
    pitch = np.deg2rad(wander(rng, times, u(1.5, 4), u(-4, 5)))
    roll = np.deg2rad(wander(rng, times, u(1, 3.5), u(-3, 3)))
    scale = size * u(*_SIZES) * wander(rng, times, 0.02, 1.0)
    x = size * wander(rng, times, 0.018, 0.5 + u(-0.05, 0.05))
    y = size * wander(rng, times, 0.012, 0.46 + u(-0.03, 0.03))
    jaw, pucker, spread = _speech(rng, times)
    smile = np.clip(spread + wander(rng, times, 0.45, u(-0.15, 0.75)), -0.5, 1.5)
    brows = wander(rng, times, 0.6, u(-0.2, 0.4))
    frown = np.clip(wander(rng, times, 0.5, 0.0), 0, 1)
    blink = np.maximum(_blinks(rng, times), np.clip(wander(rng, times, 0.06, u(0.05, 0.22)), 0, 0.3))
    gaze = _glances(rng, times)
    return [
        (
            Pose(yaw[i], pitch[i], roll[i], scale[i], x[i], y[i]),
            Expression(jaw[i], smile[i], pucker[i], brows[i], frown[i], blink[i], (gaze[i, 0], gaze[i, 1])),
        )
        for i in range(len(times))
    ]


def wander(rng: np.random.Generator, times: Track, amplitude: float, middle: float) -> Track:
    """A slow drift around ``middle``: three sines of unrelated periods."""
    total = np.zeros_like(times)
    for period in (4.7, 2.4, 1.3):
        period *= rng.uniform(0.85, 1.15)
        total += period**0.5 * np.sin(2 * np.pi * (times / period + rng.uniform()))
    return middle + amplitude * total / 2.2


def _speech(rng: np.random.Generator, times: Track) -> tuple[Track, Track, Track]:
    """Jaw, pucker and spread of the lips: a chain of mouth shapes, some seven per second, with pauses."""
    loudness = rng.uniform(0.35, 1.0)
    moment, talking = -rng.uniform(0, 0.2), rng.uniform() < 0.8
    keys, shapes = [], []
    while moment < times[-1] + 0.4:
        if rng.uniform() < 0.12:
            talking = not talking
        jaw = loudness * rng.choice([0.0, 0.15, 0.35, 0.6, 0.95], p=[0.22, 0.2, 0.25, 0.2, 0.13]) if talking else 0.0
        rounding = loudness * rng.normal(0, 0.55) if talking else 0.0
        keys.append(moment)
        shapes.append((jaw, np.clip(rounding, -1, 1), np.clip(-0.5 * rounding, -0.4, 0.4)))
        moment += rng.uniform(0.09, 0.2)
    tracks = [np.interp(times, keys, values) for values in zip(*shapes, strict=True)]
    step = float(times[1] - times[0]) if len(times) > 1 else 0.04
    radius = max(1, round(0.06 / step))
    kernel = np.hanning(2 * radius + 3)[1:-1]
    jaw, pucker, spread = (
        np.convolve(np.pad(track, radius, mode="edge"), kernel / kernel.sum(), mode="valid") for track in tracks
    )
    return jaw, pucker, spread


def _blinks(rng: np.random.Generator, times: Track) -> Track:
    """Blinks of about 0.28 s: 80 ms down, 60 ms shut, 140 ms up, every one to four seconds."""
    shut, start = np.zeros_like(times), rng.uniform(0.1, 1.6)
    while start < times[-1]:
        shut = np.maximum(shut, np.clip(np.minimum((times - start) / 0.08, (start + 0.28 - times) / 0.14), 0, 1))
        start += rng.uniform(1.2, 3.8)
    return shut


def _glances(rng: np.random.Generator, times: Track) -> Track:
    """Fixations of half a second and more with quick saccades between them, ``(N, 2)``."""
    switches = np.cumsum(rng.uniform(0.4, 1.3, int(times[-1] / 0.4) + 3))
    aims = np.clip(rng.normal(0, 0.42, (len(switches) + 1, 2)), -1, 1)
    return aims[np.searchsorted(switches, times)]
