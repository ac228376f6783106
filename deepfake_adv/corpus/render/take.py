"""A take: rendered RGB frames of one or two people, with the exact landmarks of the main person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_adv.corpus.render.camera import Camera
from deepfake_adv.corpus.render.canvas import Array, blur
from deepfake_adv.corpus.render.head import Head, Light
from deepfake_adv.corpus.render.motion import Pose, perform, wander
from deepfake_adv.corpus.render.scene import MARGIN, Scene, paint_scene

_OVERSAMPLING = 1.2  # canvas pixels per frame pixel


@dataclass(frozen=True)
class Place:
    """Where somebody is in the frame.

    Attributes:
        x: To the right of the middle, share of the frame's width.
        scale: Size over that of a person filmed alone in a frame of this width.
    """

    x: float = 0.0
    scale: float = 1.0


ALONE = Place()


def film(
    seed: int,
    identity: int,
    *,
    frames: int,
    size: int,
    fps: float,
    number: int = 0,
    place: Place = ALONE,
    beside: Sequence[tuple[int, Place]] = (),
) -> Iterator[tuple[NDArray[np.uint8], Array]]:
    """Film one identity; the same arguments give the same frames.

    Args:
        seed: Seed of the corpus.
        identity: Number of the person.
        frames: Frames to take.
        size: Width and height, pixels.
        fps: Frames per second.
        number: Of the take; each has its own room, clothes, light, camera and performance of the same person.
        place: Where the person is.
        beside: Identity and place of the other people in view; the larger person is in front.

    Yields:
        An RGB frame ``(size, size, 3)`` uint8 and the person's landmarks ``(68, 2)`` float32, pixels.
    """
    rng = np.random.default_rng([seed, identity, 2, *[number] * (number > 0)])
    times = np.arange(frames) / fps
    person = _Player(seed, identity, rng, times, size, place)
    players = [person]
    for other, where in beside:
        own = np.random.default_rng([seed, other, 2, number, identity])
        players.append(_Player(seed, other, own, times, size, where))
    azimuth, height = np.deg2rad(rng.uniform(-55, 55)), np.deg2rad(rng.uniform(12, 45))
    key = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height), np.cos(azimuth) * np.cos(height)])
    ambient = rng.uniform(0.30, 0.50)
    sway = np.stack([wander(rng, times, 0.05, 0.0), wander(rng, times, 0.04, 0.0), np.zeros(frames)], -1)
    for player in players:
        player.enter(Light(key.astype(np.float32), ambient))
    players.sort(key=lambda player: player.rest.scale)
    camera = Camera(rng, frames, size)
    for index in range(frames):
        direction = (key + sway[index]) / np.linalg.norm(key + sway[index])
        light = Light(direction.astype(np.float32), ambient)
        picture = None
        for player in players:
            picture = player.before(picture, index, light)
        assert picture is not None
        points = person.landmarks(index)
        if index == 0:
            (left, top), (right, bottom) = points[17:].min(0).astype(int), points[17:].max(0).astype(int)
            camera.meter(picture[max(top, 0) : bottom + 1, max(left, 0) : right + 1])
        yield camera.expose(picture, index), points


class _Player:
    """One person's part of a take."""

    def __init__(
        self, seed: int, identity: int, rng: np.random.Generator, times: NDArray[np.float64], size: int, place: Place
    ) -> None:
        self._rng, self._size = rng, size
        self._acted = [
            (replace(pose, scale=pose.scale * place.scale, x=pose.x + place.x * size), expression)
            for pose, expression in perform(rng, times, size)
        ]
        poses = [(p.yaw, p.pitch, p.roll, p.scale, p.x, p.y) for p, _ in self._acted]
        self.rest = Pose(*np.mean(poses, axis=0).tolist())
        self._head = Head(np.random.default_rng([seed, identity, 1]), _OVERSAMPLING * 0.26 * size * place.scale)
        self._scene: Scene
        self._shadow: Array

    def enter(self, light: Light) -> None:
        """Use the light of the take."""
        head = self._head
        self._shadow = head.cast_shadow(light)
        self._scene = paint_scene(self._rng, head.face, head.colours, self.rest, self._size, light.direction)

    def landmarks(self, index: int) -> Array:
        """The 68 points in a frame, pixels."""
        pose, expression = self._acted[index]
        return self._head.landmarks(expression, pose)

    def before(self, behind: Array | None, index: int, light: Light) -> Array:
        """The person in front of a picture, linear light; in front of the person's own room where there is none."""
        (pose, expression), size = self._acted[index], self._size
        head = self._head
        layer = head.project(head.picture(expression, pose, light, self._shadow), expression, pose, size)
        follow = [0.35 * (pose.x - self.rest.x), 0.35 * (pose.y - self.rest.y)]
        move = np.array([[1, 0, follow[0] - MARGIN], [0, 1, follow[1] - MARGIN]], np.float32)
        around, body = (
            cv2.warpAffine(part, move, (size, size), borderMode=cv2.BORDER_REPLICATE)
            for part in (self._scene.picture, self._scene.body)
        )
        if behind is not None:
            around = behind + (around - behind) * body[..., None]
        cover = layer[..., 3]
        dim = cv2.warpAffine(
            blur(cover, 0.018 * size), np.array([[1, 0, 0], [0, 1, 0.03 * size]], np.float32), (size, size)
        )
        return np.asarray(around * ((1 - cover) * (1 - 0.35 * dim * body))[..., None] + layer[..., :3])
