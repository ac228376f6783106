"""A take: one identity filmed for some frames, as RGB pictures with their exact landmarks."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.camera import Camera
from deepfake_adv.corpus.render.canvas import Array, blur
from deepfake_adv.corpus.render.head import Head, Light
from deepfake_adv.corpus.render.motion import Pose, perform, wander
from deepfake_adv.corpus.render.scene import MARGIN, paint_scene

_OVERSAMPLING = 1.2  # canvas pixels per frame pixel


def film(seed: int, identity: int, *, frames: int, size: int, fps: float) -> Iterator[tuple[NDArray[np.uint8], Array]]:
    """Film one identity; the same arguments give the same frames.

    Args:
        seed: Seed of the corpus.
        identity: Number of the person.
        frames: Frames to take.
        size: Width and height, pixels.
        fps: Frames per second.

    Yields:
        An RGB frame ``(size, size, 3)`` uint8 and its landmarks ``(68, 2)`` float32, pixels.
    """
    person, rng = (np.random.default_rng([seed, identity, part]) for part in (1, 2))
    times = np.arange(frames) / fps
    performance = perform(rng, times, size)
    rest = Pose(*np.mean([(p.yaw, p.pitch, p.roll, p.scale, p.x, p.y) for p, _ in performance], axis=0).tolist())
    head = Head(person, _OVERSAMPLING * 0.26 * size)
    azimuth, height = np.deg2rad(rng.uniform(-55, 55)), np.deg2rad(rng.uniform(12, 45))
    key = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height), np.cos(azimuth) * np.cos(height)])
    ambient = rng.uniform(0.30, 0.50)
    sway = np.stack([wander(rng, times, 0.05, 0.0), wander(rng, times, 0.04, 0.0), np.zeros(frames)], -1)
    shadow = head.cast_shadow(Light(key.astype(np.float32), ambient))
    scene = paint_scene(rng, head.face, head.colours, rest, size, key)
    camera = Camera(rng, frames, size)
    for index, (pose, expression) in enumerate(performance):
        direction = (key + sway[index]) / np.linalg.norm(key + sway[index])
        light = Light(direction.astype(np.float32), ambient)
        layer = head.project(head.picture(expression, pose, light, shadow), expression, pose, size)
        follow = [0.35 * (pose.x - rest.x), 0.35 * (pose.y - rest.y)]
        move = np.array([[1, 0, follow[0] - MARGIN], [0, 1, follow[1] - MARGIN]], np.float32)
        behind, body = (
            cv2.warpAffine(part, move, (size, size), borderMode=cv2.BORDER_REPLICATE)
            for part in (scene.picture, scene.body)
        )
        cover = layer[..., 3]
        dim = cv2.warpAffine(
            blur(cover, 0.018 * size), np.array([[1, 0, 0], [0, 1, 0.03 * size]], np.float32), (size, size)
        )
        picture = behind * ((1 - cover) * (1 - 0.35 * dim * body))[..., None] + layer[..., :3]
        points = head.landmarks(expression, pose)
        if index == 0:
            (left, top), (right, bottom) = points[17:].min(0).astype(int), points[17:].max(0).astype(int)
            camera.meter(picture[max(top, 0) : bottom + 1, max(left, 0) : right + 1])
        yield camera.expose(picture, index), points
