"""Skin colour from two pigments: melanin and blood, each a map over the face.

Reflectance falls exponentially with either, so tan, freckles, blush and lips are all one formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_adv.corpus.render.anatomy import Face
from deepfake_adv.corpus.render.canvas import Array, Canvas, blur, bump, clouds, linear, ramp

_BARE = np.array([0.93, 0.68, 0.55], np.float32)
_MELANIN = np.array([1.75, 2.25, 2.65], np.float32)
_BLOOD = np.array([0.07, 0.56, 0.46], np.float32)

_HAIR = linear(
    [
        (0.13, 0.11, 0.10),
        (0.22, 0.16, 0.13),
        (0.35, 0.24, 0.17),
        (0.50, 0.36, 0.24),
        (0.71, 0.57, 0.38),
        (0.60, 0.58, 0.56),
        (0.44, 0.22, 0.13),
    ]
)
_IRIS = linear([(0.33, 0.22, 0.14), (0.22, 0.15, 0.11), (0.38, 0.43, 0.28), (0.36, 0.47, 0.55), (0.43, 0.43, 0.40)])


@dataclass(frozen=True)
class Colouring:
    """Pigments of one person.

    Attributes:
        melanin: 0.05 (pale) to 0.9 (dark).
        blood: Strength of the blush, 0 to 1.
        hair: Linear RGB of the hair.
        iris: Linear RGB of the iris.
        stubble: 0 (shaved) to 1 (short beard).
        makeup: 0 to 1; colours lips and lids.
        freckles: 0 to 1.
    """

    melanin: float
    blood: float
    hair: Array
    iris: Array
    stubble: float
    makeup: float
    freckles: float

    @staticmethod
    def sample(rng: np.random.Generator, *, bearded: bool) -> Colouring:
        """Draw a person's colours; hair and eyes go with the skin."""
        melanin = float(0.05 + 0.80 * rng.uniform() ** 1.25)
        pale = melanin < 0.38
        hair = np.array([1, 1.2, 1.2, 1, 0.9, 0.6, 0.6]) if pale else np.array([2.5, 1.5, 0.2, 0, 0, 0.4, 0])
        iris = np.array([0.3, 0.25, 0.15, 0.18, 0.12]) if pale else np.array([0.4, 0.55, 0.05, 0, 0])
        stubble = rng.uniform(0.2, 1.0) if bearded and rng.uniform() < 0.5 else 0.0
        return Colouring(
            melanin=melanin,
            blood=rng.uniform(0.35, 1.0),
            hair=_HAIR[rng.choice(len(_HAIR), p=hair / hair.sum())] * np.float32(rng.uniform(0.8, 1.2)),
            iris=_IRIS[rng.choice(len(_IRIS), p=iris / iris.sum())],
            stubble=float(stubble),
            makeup=rng.uniform(0.0, 0.15) if bearded else rng.uniform(0.1, 1.0),
            freckles=rng.uniform(0.3, 1.0) if pale and rng.uniform() < 0.35 else 0.0,
        )

    def reflect(self, melanin: Array | float, blood: Array | float) -> Array:
        """Linear RGB reflectance of skin with these amounts of pigment, ``(..., 3)``."""
        melanin, blood = (np.asarray(v, np.float32)[..., None] for v in (melanin, blood))
        return _BARE * np.exp(-melanin * _MELANIN - blood * _BLOOD)


def paint_skin(face: Face, colours: Colouring, canvas: Canvas, rng: np.random.Generator) -> Array:
    """Reflectance of the bare face, ``(H, W, 3)`` linear: skin, lips, nostrils, stubble, brows."""
    x, y = canvas.x, canvas.y
    ax = np.abs(x)
    melanin, blood = _pigments(face, colours, canvas, rng)
    upper, seam, lower = face.lips(x)
    lips = ramp(-0.012, 0.012, y - upper) * ramp(-0.014, 0.014, lower - y) * ramp(0.0, 0.06, face.mouth_width - ax)
    wrinkles = 0.12 * clouds(rng, canvas.shape, 0.018 * canvas.unit)
    blood = blood + lips * (0.75 + 0.55 * colours.makeup + wrinkles)
    melanin = melanin + lips * (0.03 + 0.08 * colours.melanin)
    skin = colours.reflect(melanin, blood)
    if colours.stubble:
        skin = _stubble(skin, face, colours, canvas, rng, 1 - blur(lips, 0.01 * canvas.unit))
    dark = 0.62 * np.exp(-(((y - seam) / 0.012) ** 2)) * ramp(-0.01, 0.05, face.mouth_width - ax)
    nostril = bump(ax - 0.44 * face.nose_width, y - face.nose_y - 0.028 + 0.10 * (ax - 0.1), 0.036, 0.019)
    dark = np.maximum(dark, 0.82 * np.clip(1.2 * nostril, 0, 1))
    skin *= (1 - dark)[..., None]
    return _brows(skin, face, colours, canvas, rng).astype(np.float32)


def _pigments(face: Face, colours: Colouring, canvas: Canvas, rng: np.random.Generator) -> tuple[Array, Array]:
    x, y, grain = canvas.x, canvas.y, canvas.unit / 96
    ax = np.abs(x)

    def mottle(weights: tuple[tuple[float, float], ...]) -> Array:
        result: Array = np.sum([w * clouds(rng, canvas.shape, cell * grain) for cell, w in weights], axis=0)
        return result

    melanin = colours.melanin * (1 + mottle(((26, 0.045), (9, 0.03), (2.2, 0.02))))
    around_eyes = bump(ax - face.eye_x, y + 0.01, 0.20, 0.11)
    melanin = melanin + (0.05 + 0.10 * colours.makeup) * around_eyes
    for _ in range(rng.integers(0, 6)):
        spot = bump(x - rng.uniform(-0.8, 0.8), y - rng.uniform(-0.6, 1.2), *([rng.uniform(0.006, 0.016)] * 2))
        melanin = melanin + 0.5 * spot
    if colours.freckles:
        dots = np.clip(clouds(rng, canvas.shape, 2.6 * grain) - 1.2, 0, 0.8) * bump(ax - 0.38, y - 0.33, 0.34, 0.17)
        melanin = melanin + 0.35 * colours.freckles * dots
    blush = 0.40 * bump(ax - 0.56, y - 0.40, 0.21, 0.19) + 0.45 * bump(x, y - face.nose_y + 0.05, 0.16, 0.11)
    blush = blush + 0.18 * bump(x, y - face.chin + 0.12, 0.18, 0.10) + 0.20 * around_eyes
    blood = 0.14 + colours.blood * blush + mottle(((14, 0.045), (5, 0.03), (1.7, 0.015)))
    return melanin, blood


def _stubble(
    skin: Array, face: Face, colours: Colouring, canvas: Canvas, rng: np.random.Generator, off_lips: Array
) -> Array:
    x, y, grain = canvas.x, canvas.y, canvas.unit / 96
    ax = np.abs(x)
    jaw = ramp(0.25, 0.62, y - 0.30 * (1 - ax)) * ramp(0.34, 0.56, ax + 0.6 * np.clip(y - face.mouth_y + 0.12, 0, 1))
    lip = bump(x, y - 0.5 * (face.nose_y + face.mouth_y) - 0.05, 0.27, 0.06)
    region = np.maximum(jaw, lip) * off_lips
    hairs = np.clip(
        0.3 + 0.6 * clouds(rng, canvas.shape, 1.4 * grain) + 0.4 * clouds(rng, canvas.shape, 2.4 * grain), 0, 1.5
    )
    cover = np.clip(region * colours.stubble * (0.30 + 0.38 * hairs), 0, 0.9)[..., None]
    result: Array = skin * (1 - cover) + 0.8 * colours.hair * cover
    return result


def _brows(skin: Array, face: Face, colours: Colouring, canvas: Canvas, rng: np.random.Generator) -> Array:
    """Brows of short strokes over a soft shade, drawn at twice the resolution."""
    strokes = np.zeros((2 * canvas.height, 2 * canvas.width), np.uint8)
    count = round(200 + 6500 * (face.brow_weight - 0.026))
    t = np.repeat(rng.uniform(0, 1, count).astype(np.float32)[None], 2, 0)
    thickness = face.brow_weight * (1 - 0.7 * t**2) * (0.6 + 0.4 * np.minimum(t / 0.15, 1))
    middle_x, middle_y = face.brow(t)
    middle_y = middle_y + rng.uniform(-1, 1, t.shape).astype(np.float32) * thickness
    angle = np.deg2rad(-72 + 78 * t + rng.normal(0, 8, t.shape)).astype(np.float32)
    length = rng.uniform(0.045, 0.09, t.shape).astype(np.float32)
    shade = rng.integers(80, 190, t.shape)
    for row, side in enumerate((-1, 1)):
        ends_x = np.stack([middle_x[row], middle_x[row] + length[row] * np.cos(angle[row])]) * side
        ends_y = np.stack([middle_y[row], middle_y[row] + 0.8 * length[row] * np.sin(angle[row])])
        px, py = canvas.pixels(ends_x, ends_y)
        points = np.round(np.stack([px, py], -1) * 2 * 16).astype(np.int32)
        for start, end, value in zip(points[0], points[1], shade[row], strict=True):
            cv2.line(strokes, tuple(start.tolist()), tuple(end.tolist()), int(value), 1, cv2.LINE_AA, 4)
    drawn = cv2.resize(strokes, canvas.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    ax = np.abs(canvas.x)
    along = np.clip((ax - face.brow_inner) / (face.brow_outer - face.brow_inner), 0, 1)
    _, curve = face.brow(along)
    soft = np.exp(-(((canvas.y - curve) / (0.9 * face.brow_weight * (1 - 0.7 * along**2))) ** 2))
    soft = soft * ramp(-0.05, 0.03, ax - face.brow_inner) * ramp(0.04, -0.06, ax - face.brow_outer)
    cover = np.clip(1.6 * drawn + 0.42 * soft, 0, 0.94)[..., None]
    return skin * (1 - cover) + (0.5 * colours.hair + 0.03 * skin) * cover
