"""Hair as thousands of strands that follow a combing direction, in front of and behind the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from deepfake_adv.corpus.render.anatomy import Face
from deepfake_adv.corpus.render.canvas import Array, Canvas, blur, clouds, ramp, sample


@dataclass(frozen=True)
class _Cut:
    """A haircut: thickness over crown and sides, where it ends, where the face begins."""

    crown: float
    sides: float
    ends: float
    hairline: float
    fall: float
    window: float
    weight: float


# fall: 0 combs up and back, 1 lets strands hang from the parting. window: |x| where the face begins.
_CUTS: Final = {
    "short": _Cut(0.13, 0.07, 0.02, -0.72, 0.0, 0.96, 0.30),
    "swept": _Cut(0.17, 0.10, 0.10, -0.78, 0.25, 0.95, 0.17),
    "bob": _Cut(0.15, 0.20, 1.05, -0.74, 0.9, 0.90, 0.19),
    "long": _Cut(0.14, 0.20, 1.68, -0.76, 0.95, 0.90, 0.19),
    "fringe": _Cut(0.15, 0.19, 1.30, -0.50, 1.0, 0.90, 0.15),
}
STYLES: Final = tuple(_CUTS)


@dataclass(frozen=True)
class Hair:
    """Painted hair: colour and opacity of the layer in front of the face and of the one behind the head."""

    colour: Array
    front: Array
    back: Array


def paint_hair(style: str, face: Face, hair: Array, canvas: Canvas, rng: np.random.Generator) -> Hair:
    """Draw a haircut.

    Args:
        style: One of ``STYLES``.
        face: The face under it.
        hair: Linear RGB of the hair.
        canvas: Where to draw.
        rng: Source of every strand.
    """
    cut = _CUTS[style]
    x, y = canvas.x, canvas.y
    ragged = 0.035 * clouds(rng, canvas.shape, 0.16 * canvas.unit)
    sides = 1.0 + cut.sides * rng.uniform(0.8, 1.25)
    crown = face.crown + cut.crown * rng.uniform(0.85, 1.25)
    ends = cut.ends + rng.uniform(-0.12, 0.12)
    # The mass: a dome above, then sides that hang straight and taper inwards.
    lift = np.maximum(-y - 0.15, 0) / (crown - 0.15)
    spread = sides * (1 - 0.10 * np.clip(y - 0.7, 0, 1) * (cut.ends < 1.2))
    mass_level = np.abs(x / spread) ** 2.2 + lift**2.3
    mass = ramp(1.05, 0.95, mass_level + ragged) * ramp(ends + 0.10, ends - 0.10, y + 2.0 * ragged)
    # The window through which the face is seen.
    parting = float(rng.uniform(-0.45, 0.45))
    line = face.crown / 1.32 * cut.hairline + 0.30 * np.maximum(np.abs(x) - 0.30, 0) ** 1.6 + ragged
    if cut.fall > 0.5 and style != "fringe":
        line = line + 0.22 * np.abs(x - parting) ** 1.2
    width = cut.window * np.maximum(face.half_width(y), 0.35) - 0.16 * np.clip(-0.2 - y, 0, 1)
    window = ramp(-0.04, 0.04, y - line) * ramp(-0.03, 0.03, width + 0.6 * ragged - np.abs(x))
    front_mass = mass * (1 - window)
    if cut.fall < 0.5:
        front_mass = front_mass * ramp(0.16, -0.10, y - 0.02 + 0.35 * (1 - np.abs(x)))
    lines, cover = _strands(front_mass, cut, parting, canvas, rng)
    behind, behind_cover = _strands(mass, cut, parting, canvas, rng)
    front = np.clip(np.maximum(front_mass, cover), 0, 1)
    # Behind the head means behind the neck too, which the scene paints.
    neck = ramp(0.66, 0.52, np.abs(x)) * ramp(0.5, 0.9, y)
    back = np.clip(np.maximum(mass, behind_cover), 0, 1) * (1 - neck)
    tone = np.where(front > 0.3, lines, 0.55 * behind)
    rim = np.clip(mass_level, 0, 1) ** 6
    sheen = 0.35 * np.exp(-(((np.hypot(x - parting * 0.3, (y + 0.2) * 0.9) - 0.92 + 0.4 * ragged) / 0.11) ** 2))
    shade = tone * (1 - 0.35 * rim) + sheen * tone * (y < 0)
    return Hair((hair * np.clip(shade, 0.05, 2.2)[..., None]).astype(np.float32), front, back)


def _strands(mass: Array, cut: _Cut, parting: float, canvas: Canvas, rng: np.random.Generator) -> tuple[Array, Array]:
    """Brightness of the hair and the cover of single strands that stray beyond the mass."""
    count, steps = 2600, 9
    candidates = rng.uniform([-1.5, -1.75], [1.5, 1.9], (6 * count, 2)).astype(np.float32)
    px, py = canvas.pixels(candidates[:, 0], candidates[:, 1])
    roots = candidates[sample(mass, px, py) > 0.5][:count]
    bend = clouds(rng, canvas.shape, 0.35 * canvas.unit)
    path = [roots]
    stride = rng.uniform(0.5, 1.1, (len(roots), 1)).astype(np.float32) * (cut.weight / steps)
    for _ in range(steps):
        here = path[-1]
        path.append(here + stride * 2.2 * _comb(here, cut.fall, parting, sample(bend, *canvas.pixels(*here.T))))
    points = np.stack(path, 1)
    px, py = canvas.pixels(points[..., 0], points[..., 1])
    fixed = np.round(np.stack([px, py], -1) * 16).astype(np.int32)
    value = np.clip(rng.normal(0.62, 0.20, len(roots)), 0.12, 1.3)
    light: Array = np.full(canvas.shape, 0.5, np.float32)
    for line, v in zip(fixed, value, strict=True):
        cv2.polylines(light, [line], False, float(v), 1, cv2.LINE_8, 4)
    light = 0.55 * blur(light, 0.9) + 0.45 * blur(light, 3.0) + 0.05 * bend
    strays = np.zeros(canvas.shape, np.uint8)
    cv2.polylines(strays, list(fixed[::3]), False, 200, 1, cv2.LINE_AA, 4)
    near = ramp(0.02, 0.4, blur(mass, 0.05 * canvas.unit))
    return light.astype(np.float32), (strays.astype(np.float32) / 255 * near).astype(np.float32)


def _comb(points: Array, fall: float, parting: float, bend: Array) -> Array:
    """Unit direction of growth at each point: away from the face when short, hanging when long."""
    x, y = points[:, 0], points[:, 1]
    up = np.stack([0.9 * x, np.minimum(y, 0) * 0.9 - 0.25], -1)
    side = np.sign(x - parting) * np.clip(np.abs(x - parting), 0.1, 1)
    drop = np.clip((y + 1.45) / 0.9, 0.12, 1.4)
    hang = np.stack([side * np.clip(1.1 - drop, 0.05, 1), drop], -1)
    direction = (1 - fall) * up + fall * hang
    direction[:, 0] += 0.10 * bend
    result: Array = (direction / (np.linalg.norm(direction, axis=1, keepdims=True) + 1e-6)).astype(np.float32)
    return result
