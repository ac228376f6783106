"""The scene around the head: a room out of focus, shoulders, neck and clothes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_adv.corpus.render.anatomy import Face
from deepfake_adv.corpus.render.canvas import Array, blur, clouds, linear, ramp
from deepfake_adv.corpus.render.motion import Pose
from deepfake_adv.corpus.render.skin import Colouring

MARGIN = 16  # pixels painted beyond the frame, so that the body may sway


@dataclass(frozen=True)
class Scene:
    """Everything behind the head: linear RGB ``(S + 2M, S + 2M, 3)`` and the cover of the body."""

    picture: Array
    body: Array


def paint_scene(rng: np.random.Generator, face: Face, colours: Colouring, rest: Pose, size: int, light: Array) -> Scene:
    """Paint background and body for a take.

    Args:
        rng: Source of every choice.
        face: Decides where neck and shoulders start.
        colours: Colour of the neck.
        rest: The take's mean pose.
        size: Width and height of the frame, pixels.
        light: ``(3,)`` unit vector towards the key light.
    """
    side = size + 2 * MARGIN
    room = _room(rng, side)
    x = ((np.arange(side) - rest.x - MARGIN) / rest.scale).astype(np.float32)[None]
    y = ((np.arange(side) - rest.y - MARGIN) / rest.scale).astype(np.float32)[:, None]
    soft = 1.2 / rest.scale
    ax, chin, width = np.abs(x), face.chin, float(rng.uniform(0.50, 0.62))
    spread = width + 0.9 * np.clip(y - chin - 0.12, 0, None) ** 2 + 0.04 * np.clip(y - 0.8, 0, 1)
    neck = ramp(soft, -soft, ax - spread) * (y > 0.5)
    neckline = chin + 0.34 + float(rng.uniform(0.0, 0.35)) * np.clip(1 - (ax / (1.15 * width)) ** 2, 0, 1)
    slope = chin + 0.36 + 0.34 * np.maximum(ax - width, 0) ** 0.9
    cloth = ramp(-soft, soft, y - np.maximum(neckline, slope - 0.02))
    cloth = cloth * ramp(soft, -soft, ax - 1.95 - 0.25 * (y - chin))
    body = np.maximum(neck * ramp(-soft, soft, slope - y + 10), cloth)
    lit = 1 + 0.28 * x * np.sign(light[0]) * min(1.0, abs(float(light[0])) + 0.3)
    under_chin = ramp(chin - 0.06, chin + 0.40, y + 0.10 * ax)
    round_neck = np.sqrt(np.clip(1 - (ax / (spread + 0.02)) ** 2, 0, 1))
    shade = (0.42 + 0.40 * round_neck) * (0.42 + 0.58 * under_chin) * lit
    blood = 0.20 + 0.04 * clouds(rng, (side, side), 5)
    skin = colours.reflect(colours.melanin, blood) * shade[..., None]
    fabric = _fabric(rng, side, x, y) * (lit * (0.62 + 0.12 * np.cos(2.2 * x)))[..., None]
    edge = ramp(0.10, 0.0, y - np.maximum(neckline, slope)) * ramp(-0.03, 0.01, y - np.maximum(neckline, slope))
    fabric = fabric * (1 - 0.35 * edge * (ax < 1.2 * width))[..., None]
    figure = skin + (fabric - skin) * cloth[..., None]
    picture = room + (figure - room) * body[..., None]
    return Scene(picture.astype(np.float32), body.astype(np.float32))


def _colour(rng: np.random.Generator, low: float, high: float, vivid: float) -> Array:
    """A linear colour of given lightness range; ``vivid`` 0 is gray."""
    return linear(np.clip(rng.uniform(low, high) + vivid * rng.uniform(-0.5, 0.5, 3), 0.03, 0.97))


def _room(rng: np.random.Generator, side: int) -> Array:
    """A backdrop: studio paper, blurred furniture, a window, or a shelf."""
    u = rng.uniform
    yy, xx = np.mgrid[0:side, 0:side].astype(np.float32) / side
    wall = np.ones((side, side, 3), np.float32) * _colour(rng, 0.25, 0.85, 0.25)
    wall *= (1 + u(-0.5, 0.5) * (xx - 0.5) + u(-0.5, 0.5) * (yy - 0.5))[..., None]
    kind = rng.integers(4)
    if kind == 0:
        glow = np.exp(-((xx - u(0.3, 0.7)) ** 2 + (yy - u(0.3, 0.6)) ** 2) / u(0.08, 0.3))
        wall *= (0.7 + 0.6 * glow + 0.05 * clouds(rng, (side, side), 30))[..., None]
    elif kind == 1:
        for _ in range(rng.integers(5, 12)):
            corner, extent = rng.uniform(-20, side, 2), rng.uniform([14, 20], [100, 150])
            far = corner + extent
            cv2.rectangle(
                wall, corner.astype(int).tolist(), far.astype(int).tolist(), _colour(rng, 0.1, 0.85, 0.3).tolist(), -1
            )
        wall = blur(wall, u(4, 9) * side / 320)
    elif kind == 2:
        left, top, wide, high = u(0.0, 0.25), u(-0.1, 0.1), u(0.25, 0.6), u(0.5, 0.9)
        for column in (left, left + wide):
            box = (np.array([column, top, column + 0.92 * wide, top + high]) * side).astype(int).tolist()
            cv2.rectangle(wall, box[:2], box[2:], _colour(rng, 0.8, 0.97, 0.12).tolist(), -1)
        wall = blur(wall, u(3, 7) * side / 320)
    else:
        for shelf in range(3):
            at = 0.0
            while at < side:
                wide = u(5, 15) * side / 320
                top = int((shelf + u(0.06, 0.22)) * side / 3)
                low = (int(at + wide), int((shelf + 0.95) * side / 3))
                cv2.rectangle(wall, (int(at), top), low, _colour(rng, 0.12, 0.65, 0.3).tolist(), -1)
                at += wide
        wall = blur(wall, u(3.5, 6) * side / 320)
    return np.clip(wall, 0.005, 1.2) * (1 + 0.02 * clouds(rng, (side, side), 2))[..., None]


def _fabric(rng: np.random.Generator, side: int, x: Array, y: Array) -> Array:
    colour = _colour(rng, 0.12, 0.8, 0.4)
    weave = 1 + 0.05 * clouds(rng, (side, side), 1.5) + 0.10 * clouds(rng, (side, side), 20)
    pattern = rng.uniform()
    period = rng.uniform(14, 30)
    if pattern < 0.25:
        weave = weave * (1 + 0.2 * np.tanh(4 * np.sin(period * y)))
    elif pattern < 0.4:
        weave = weave * (1 + 0.12 * np.tanh(4 * np.sin(period * x)) + 0.12 * np.tanh(4 * np.sin(period * y)))
    return colour * weave[..., None]
