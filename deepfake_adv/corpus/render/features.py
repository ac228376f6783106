"""The moving parts that are painted again in every frame: eyes and the open mouth."""

from __future__ import annotations

import cv2
import numpy as np

from deepfake_adv.corpus.render.anatomy import Expression, Face
from deepfake_adv.corpus.render.canvas import Array, Canvas, bump, ramp
from deepfake_adv.corpus.render.skin import Colouring

_SCLERA = np.array([0.60, 0.55, 0.53], np.float32)
_THROAT = np.array([0.045, 0.014, 0.012], np.float32)
_TONGUE = np.array([0.26, 0.085, 0.075], np.float32)
_TEETH = np.array([0.56, 0.51, 0.43], np.float32)


def paint_eyes(
    picture: Array, face: Face, colours: Colouring, expression: Expression, canvas: Canvas, light: float
) -> None:
    """Paint both eyes with gaze and lids into ``picture`` ``(H, W, 3)``, in place.

    Args:
        picture: The lit skin.
        face: Whose eyes.
        colours: Iris and lashes.
        expression: Gaze and blink.
        canvas: The raster of ``picture``.
        light: Brightness of the light on the face.
    """
    cos, sin = np.cos(face.eye_tilt), np.sin(face.eye_tilt)
    for side in (-1, 1):
        centre = side * face.eye_x
        rows, columns = canvas.window(centre - 0.34, -0.27, centre + 0.34, 0.20)
        dx, dy = side * (canvas.x[:, columns] - centre), canvas.y[rows]
        along, down = dx * cos - dy * sin, dx * sin + dy * cos
        t = along / np.float32(face.eye_width)
        upper, lower = face.lids(t, expression.blink)
        soft = 1.0 / canvas.unit
        aperture = np.clip((down - upper) / soft + 0.5, 0, 1) * np.clip((lower - down) / soft + 0.5, 0, 1)
        aperture = aperture * ramp(1.0, 0.94, np.abs(t))
        eye = _eyeball(face, colours, expression, along, down, side)
        shade = 0.42 + 0.58 * ramp(-0.005, 0.085, down - upper)
        eye = eye * (light * shade)[..., None]
        glint = np.hypot(along - _gaze(expression, side)[0] + side * 0.03, down - _gaze(expression, side)[1] + 0.03)
        eye = eye + (0.8 * np.exp(-((glint / 0.016) ** 2)))[..., None]
        weight = 0.013 + 0.010 * colours.makeup
        lash = np.exp(-(((down - upper + 0.006) / weight) ** 2)) * ramp(1.12, 0.92, np.abs(t))
        lash = lash * (0.72 + 0.22 * colours.makeup)
        rim = 0.30 * np.exp(-(((down - lower - 0.004) / 0.012) ** 2)) * ramp(1.0, 0.8, np.abs(t))
        fold_y = -(face.eye_upper + 0.045) * np.clip(1 - (t * 0.95) ** 2, 0, 1) ** 0.6
        fold = (
            np.exp(-(((down - fold_y) / 0.016) ** 2)) * ramp(1.05, 0.7, np.abs(t)) * 0.34 * (1 - 0.6 * expression.blink)
        )
        patch = picture[rows, columns] * (1 - fold)[..., None]
        patch += (eye - patch) * aperture[..., None]
        picture[rows, columns] = patch * (1 - np.clip(lash + rim, 0, 0.93))[..., None]


def _gaze(expression: Expression, side: int) -> tuple[float, float]:
    return side * 0.055 * expression.gaze[0], 0.022 * expression.gaze[1] - 0.014


def _eyeball(face: Face, colours: Colouring, expression: Expression, along: Array, down: Array, side: int) -> Array:
    gaze_x, gaze_y = _gaze(expression, side)
    radius = np.hypot(along - gaze_x, down - gaze_y) / np.float32(0.5 * face.eye_width)
    angle = np.arctan2(down - gaze_y, along - gaze_x)
    corner = np.clip(np.abs(along) / face.eye_width, 0, 1) ** 3
    white = _SCLERA * (1 - 0.32 * corner)[..., None]
    fibres = 1 + 0.14 * np.sin(19 * angle) + 0.10 * np.sin(37 * angle + 1)
    iris = colours.iris * (fibres * (0.6 + 0.8 * np.clip(radius, 0, 1)))[..., None]
    iris = iris * (1 - 0.6 * ramp(0.80, 0.98, radius))[..., None]
    eye = white + (iris - white) * ramp(1.07, 0.95, radius)[..., None]
    result: Array = eye + (np.float32(0.004) - eye) * ramp(0.46, 0.38, radius)[..., None]
    return result


def open_mouth(picture: Array, face: Face, expression: Expression, canvas: Canvas, light: float) -> None:
    """Part the lips of ``picture`` ``(H, W, 3)`` in place and paint teeth and tongue into the gap."""
    if max(expression.jaw, expression.smile * 0.5) < 0.02:
        return
    reach = face.mouth_width + 0.12
    rows, columns = canvas.window(-reach, face.mouth_y - 0.36, reach, face.mouth_y + 0.66)
    x, y = canvas.x[:, columns], canvas.y[rows]
    _, seam, _ = face.lips(x)
    up, down = face.parting(x, expression)
    top, bottom = seam - up, seam + down
    # Skin above the gap moved up, skin below moved down, each less with distance: look it up where it was.
    above = y + up * ramp(top - 0.26, top, y)
    below = y - down * ramp(bottom + 0.55, bottom, y)
    source = np.where(y < 0.5 * (top + bottom), above, below)
    look_x, look_y = canvas.pixels(np.broadcast_to(x, source.shape), source)
    skin = cv2.remap(picture, look_x, look_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    edge = 1.3 / canvas.unit
    gap = np.clip((y - top) / edge, 0, 1) * np.clip((bottom - y) / edge, 0, 1)
    gap = gap * ramp(1.0, 0.9, np.abs(x) / face.mouth_width)
    inside = _THROAT + _TONGUE * bump(x, y - bottom - 0.01, 0.16, 0.055)[..., None]
    depth = np.clip((y - top + 0.015) / 0.085, 0, 2)
    teeth = ramp(1.05, 0.85, depth + 0.25 * (x / 0.2) ** 2) * ramp(0.30, 0.20, np.abs(x))
    gums = 1 - 0.22 * np.exp(-(((np.mod(x + 0.0325, 0.065) - 0.0325) / 0.006) ** 2))
    inside = inside + (_TEETH * (gums * (0.6 + 0.4 * np.clip(depth, 0, 1)))[..., None] - inside) * teeth[..., None]
    inside = inside * (light * (0.45 + 0.55 * ramp(0.0, 0.06, y - top)))[..., None]
    picture[rows, columns] = skin + (inside - skin) * gap[..., None]
