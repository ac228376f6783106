"""One identity: painted once on a canvas, then lit, moved and projected for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_adv.corpus.render import relief
from deepfake_adv.corpus.render.anatomy import Expression, Face
from deepfake_adv.corpus.render.canvas import Array, Canvas, blur, bump, clouds, ramp, sample
from deepfake_adv.corpus.render.features import open_mouth, paint_eyes
from deepfake_adv.corpus.render.hair import STYLES, paint_hair
from deepfake_adv.corpus.render.landmarks import landmarks
from deepfake_adv.corpus.render.motion import Pose
from deepfake_adv.corpus.render.skin import Colouring, paint_skin

_CAMERA_DISTANCE = 9.0
_FIELD = 4  # canvas pixels per cell of the expression fields
_GRID = 3  # frame pixels per cell of the inverse projection


@dataclass(frozen=True)
class Light:
    """Key light: unit vector towards it (right, down, to the viewer), and the share of ambient light."""

    direction: Array
    ambient: float


class Head:
    """A person's head; every property is drawn from ``rng``.

    Args:
        rng: Source of everything about this identity.
        unit: Canvas pixels per head unit; a little above the scale it is shown at.
    """

    def __init__(self, rng: np.random.Generator, unit: float) -> None:
        self.canvas = canvas = Canvas(unit)
        self.face = face = Face.sample(rng)
        self.style = str(rng.choice(STYLES, p=[0.36, 0.18, 0.14, 0.17, 0.15]))
        self.colours = Colouring.sample(rng, bearded=self.style == "short")
        z = relief.depth(face, canvas)
        self.depth = blur(np.maximum(z, 0), 0.022 * unit)
        self._relief = z
        self._normals = relief.skin_normals(z, face, canvas, rng)
        self._albedo = paint_skin(face, self.colours, canvas, rng)
        hair = paint_hair(self.style, face, self.colours.hair, canvas, rng)
        drop = np.array([[1, 0, 0], [0, 1, 0.05 * unit]], np.float32)
        shade = cv2.warpAffine(blur(hair.front, 0.06 * unit), drop, canvas.shape[::-1])
        self._ambient = relief.ambient(z, face, canvas) * (1 - 0.4 * np.clip(shade, 0, 1))
        self._layers(hair.colour, hair.front, hair.back, rng)
        self._fields = self._expression_fields()

    def _layers(self, hair: Array, front: Array, back: Array, rng: np.random.Generator) -> None:
        """Stack ears and back hair under the face and front hair over it, with the share of skin seen."""
        canvas, face = self.canvas, self.face
        slope = np.gradient(face.level(canvas.x, canvas.y))
        steep = np.maximum(np.hypot(slope[0], slope[1]), 1e-3)
        head = np.clip((1 - face.level(canvas.x, canvas.y)) / steep + 0.5, 0, 1)
        ax = np.abs(canvas.x)
        lobe = ((ax - 1.0) / 0.115) ** 2 + ((canvas.y - 0.10 - 0.3 * (ax - 1.0)) / 0.25) ** 2
        ear = ramp(1.12, 0.9, lobe) * (front < 0.98)
        fold = 1 - 0.45 * ramp(0.75, 0.25, lobe) + 0.35 * bump(ax - 1.01, canvas.y - 0.12, 0.035, 0.10)
        blood = 0.35 + 0.05 * clouds(rng, canvas.shape, 6)
        self._ear = self.colours.reflect(self.colours.melanin, blood) * (0.72 * fold)[..., None]
        self._skin_share = (head * (1 - front)).astype(np.float32)
        solid = head + (1 - head) * front
        self._hair_share = (front + (1 - solid) * (1 - ear) * back).astype(np.float32)
        self._ear_share = ((1 - solid) * ear).astype(np.float32)
        self._hair = hair
        self.alpha = np.clip(solid + (1 - solid) * (1 - (1 - ear) * (1 - back)), 0, 1).astype(np.float32)

    def _expression_fields(self) -> dict[str, Array]:
        """Displacements of the canvas, head units, for each smooth part of an expression at strength 1."""
        face = self.face
        small = Canvas(self.canvas.unit / _FIELD)
        x, y = small.x, small.y
        ax, side = np.abs(x), np.sign(x)
        still = np.zeros(small.shape, np.float32)
        jaw = ramp(face.mouth_y + 0.04, face.mouth_y + 0.38, y) * ramp(1.15, 0.45, ax)
        corner = bump(ax - face.mouth_width, y - face.mouth_y, 0.15, 0.15)
        cheek = bump(ax - 0.52, y - 0.45, 0.18, 0.18)
        brow = bump(ax - 0.44, y - face.brow_y + 0.03, 0.32, 0.12)
        inner = bump(ax - 0.19, y - face.brow_y, 0.13, 0.11)
        lips = bump(ax - 0.8 * face.mouth_width, y - face.mouth_y, 0.19, 0.16)
        fields: dict[str, tuple[Array, Array]] = {
            "jaw": (still, 0.15 * jaw),
            "smile": (side * corner * 0.10, -0.08 * corner - 0.03 * cheek),
            "pucker": (-side * lips * 0.085, still),
            "brows": (still, -0.07 * brow),
            "frown": (-side * inner * 0.028, 0.032 * inner),
        }
        return {name: cv2.merge([f.astype(np.float32) for f in pair]) for name, pair in fields.items()}

    def landmarks(self, expression: Expression, pose: Pose) -> Array:
        """The 68 points in the frame, ``(68, 2)`` pixels (centre of the first pixel = 0)."""
        points = landmarks(self.face, expression)
        plane = sample(self._projected(expression, pose), *self._field_pixels(points[:, 0], points[:, 1]))
        cos, sin = np.cos(pose.roll), np.sin(pose.roll)
        turned = np.stack([cos * plane[:, 0] - sin * plane[:, 1], sin * plane[:, 0] + cos * plane[:, 1]], -1)
        return (turned * pose.scale + [pose.x, pose.y]).astype(np.float32)

    def project(self, layer: Array, expression: Expression, pose: Pose, size: int) -> Array:
        """Carry a canvas picture ``(H, W[, C])`` into a square frame under expression and pose."""
        forward = self._projected(expression, pose)
        cells = size // _GRID + 2
        column = np.arange(cells, dtype=np.float32) * _GRID
        u, v = np.meshgrid((column - pose.x) / pose.scale, (column - pose.y) / pose.scale)
        cos, sin = np.cos(pose.roll), np.sin(pose.roll)
        goal_x, goal_y = (cos * u + sin * v).astype(np.float32), (-sin * u + cos * v).astype(np.float32)
        x, y = goal_x.copy(), goal_y.copy()
        # Invert the forward map by fixed-point steps; the relief is shallow, so they contract quickly.
        for _ in range(9):
            reached = sample(forward, *self._field_pixels(x, y))
            x += 0.9 * (goal_x - reached[..., 0])
            y += 0.9 * (goal_y - reached[..., 1])
        look = cv2.merge(list(self.canvas.pixels(x, y)))
        enlarge = np.array([[_GRID, 0, 0], [0, _GRID, 0]], np.float32)
        look = cv2.warpAffine(look, enlarge, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return cv2.remap(layer, look[..., 0], look[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)

    def picture(self, expression: Expression, pose: Pose, light: Light, shadow: Array) -> Array:
        """The lit head with its cover, ``(H, W, 4)`` linear, colour premultiplied, on the canvas.

        Args:
            expression: Eyes and mouth are painted accordingly.
            pose: Turns the light the other way.
            light: The key light in the room's own axes.
            shadow: Share of the key light that is not blocked, ``(H, W)``.
        """
        direction = rotation(pose).T @ light.direction
        half = direction + np.array([0, 0, 1], np.float32)
        half /= np.linalg.norm(half)
        diffuse, gloss = np.moveaxis(self._normals @ np.stack([direction, half], 1).astype(np.float32), -1, 0)
        key = np.maximum((diffuse + np.float32(0.16)) / np.float32(1.16), 0) * shadow
        level = (key * np.float32(1 - light.ambient) + np.float32(light.ambient)) * self._ambient
        gloss = np.maximum(gloss, 0) ** 4
        gloss = gloss * gloss * gloss * gloss * np.float32(0.05) * shadow
        skin = self._albedo * level[..., None] + gloss[..., None]
        eye_rows, eye_columns = self.canvas.window(-0.6, -0.1, 0.6, 0.3)
        bright = 1.05 * float(level[eye_rows, eye_columns].mean())
        paint_eyes(skin, self.face, self.colours, expression, self.canvas, bright)
        open_mouth(skin, self.face, expression, self.canvas, bright)
        flat = light.ambient + (1 - light.ambient) * 0.75 * max(0.3, float(direction[2]))
        out = skin * self._skin_share[..., None]
        out += self._hair * (np.float32(flat) * self._hair_share)[..., None]
        out += self._ear * (np.float32(0.85 * flat) * self._ear_share)[..., None]
        result: Array = cv2.merge([*cv2.split(out), self.alpha])
        return result

    def cast_shadow(self, light: Light) -> Array:
        """The shadows that nose and brows cast under ``light``, for a whole take."""
        return relief.cast_shadow(self._relief, light.direction, self.canvas)

    def _projected(self, expression: Expression, pose: Pose) -> Array:
        """Where each canvas cell lands on the image plane before roll and scale, ``(h, w, 2)`` head units."""
        small = Canvas(self.canvas.unit / _FIELD)
        shape = self._fields["jaw"].shape[:2]
        moved: Array = cv2.merge([np.broadcast_to(small.x, shape).copy(), np.broadcast_to(small.y, shape).copy()])
        for name, field in self._fields.items():
            moved += field * np.float32(getattr(expression, name))
        z = cv2.resize(self.depth, shape[::-1], interpolation=cv2.INTER_AREA)
        turn = rotation(pose).astype(np.float32)
        x, y = moved[..., 0], moved[..., 1]
        depth = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
        nearer = np.float32(_CAMERA_DISTANCE) / (np.float32(_CAMERA_DISTANCE) - depth)
        result: Array = cv2.merge([(turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z) * nearer for k in (0, 1)])
        return result

    def _field_pixels(self, x: Array, y: Array) -> tuple[Array, Array]:
        return Canvas(self.canvas.unit / _FIELD).pixels(x, y)


def rotation(pose: Pose) -> Array:
    """Yaw, then pitch, as a matrix on (right, down, towards the viewer); roll is left to the camera."""
    cy, sy, cp, sp = np.cos(pose.yaw), np.sin(pose.yaw), np.cos(pose.pitch), np.sin(pose.pitch)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    result: Array = pitch @ yaw
    return result
