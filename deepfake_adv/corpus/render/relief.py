"""Depth of the face, and the shading from it: normals, ambient occlusion, cast shadows."""

from __future__ import annotations

import cv2
import numpy as np

from deepfake_adv.corpus.render.anatomy import Face
from deepfake_adv.corpus.render.canvas import Array, Canvas, blur, bump, clouds, ramp


def depth(face: Face, canvas: Canvas) -> Array:
    """Height of the face towards the viewer, ``(H, W)`` head units, 0 on the outline and beyond."""
    x, y = canvas.x, canvas.y
    ax = np.abs(x)
    dome = 0.92 * np.clip(1 - np.clip(face.level(x, y), 0, 1) ** 1.5, 0, 1) ** 0.55
    z = dome.astype(np.float32)
    z -= 0.105 * bump(ax - face.eye_x, y + 0.02, 0.19, 0.12)
    z += 0.050 * bump(ax - 0.40, y - face.brow_y - 0.03, 0.25, 0.085)
    z += 0.075 * bump(ax - face.eye_x, y - 0.005, 0.13, 0.085)
    z -= 0.030 * bump(ax - 0.93, y + 0.30, 0.10, 0.25)
    z += 0.075 * bump(ax - 0.60, y - 0.33, 0.20, 0.15)
    z -= 0.045 * bump(ax - 0.64, y - 0.85, 0.16, 0.22)
    z += _nose(face, x, y) + _mouth(face, canvas) + 0.085 * bump(x, y - face.chin + 0.22, 0.19, 0.12)
    z -= 0.035 * bump(x, y - face.mouth_y - face.lip_lower - 0.10, 0.20, 0.05)
    crease = ax - (face.nose_width + 0.05 + 0.40 * np.clip(y - face.nose_y + 0.05, 0, 1))
    reach = ramp(face.nose_y - 0.12, face.nose_y + 0.05, y)
    reach = reach * ramp(face.mouth_y + 0.12, face.mouth_y - 0.14, y)
    z -= (0.008 + 0.022 * face.age) * np.exp(-((crease / 0.04) ** 2)) * reach
    return z.astype(np.float32)


def _nose(face: Face, x: Array, y: Array) -> Array:
    ax, tip = np.abs(x), face.nose_y - 0.05
    rise = np.interp(
        y[:, 0],
        [-0.35, -0.15, 0.05, tip - 0.14, tip, 2.0],
        [0.0, 0.5 * face.nose_bridge, face.nose_bridge, 0.78 * face.nose_length, 0.8 * face.nose_length, 0.0],
    ).astype(np.float32)
    rise = blur(np.repeat(rise[:, None], 8, 1), 0.05 * len(rise) / 3.8)[:, :1]
    under = ramp(face.nose_y + 0.10, face.nose_y - 0.03, y)
    width = 0.088 + 0.045 * ramp(0.0, tip, y)
    ridge = rise * np.exp(-0.5 * np.abs(x / width) ** 2.3) * under
    ball = 0.20 * face.nose_length * bump(x, y - tip, 0.085, 0.085)
    wing = bump(ax - 0.70 * face.nose_width, y - face.nose_y + 0.03, 0.060, 0.068)
    groove = bump(ax - 1.08 * face.nose_width, y - face.nose_y + 0.02, 0.045, 0.085)
    philtrum = bump(x, y - 0.5 * (face.nose_y + face.mouth_y - face.lip_upper) - 0.06, 0.032, 0.07)
    return ridge + ball + 0.115 * wing - 0.035 * groove - 0.016 * philtrum


def _mouth(face: Face, canvas: Canvas) -> Array:
    x, y = canvas.x, canvas.y
    upper, seam, lower = face.lips(x)
    inside = np.abs(x) < face.mouth_width
    above = np.sqrt(np.clip((y - upper) * (seam - y), 0, None)) / (0.5 * face.lip_upper)
    below = np.sqrt(np.clip((y - seam) * (lower - y), 0, None)) / (0.5 * face.lip_lower)
    lips = np.where(inside, 0.024 * above + 0.036 * below, 0).astype(np.float32)
    fade = 1 - np.clip(np.abs(x) / face.mouth_width, 0, 1) ** 3
    mound = 0.05 * bump(x, y - face.mouth_y, 0.30, 0.17)
    dimple = 0.02 * bump(np.abs(x) - face.mouth_width - 0.03, y - face.mouth_y, 0.04, 0.05)
    return blur(lips, 0.011 * canvas.unit) * fade + mound - dimple


def skin_normals(z: Array, face: Face, canvas: Canvas, rng: np.random.Generator) -> Array:
    """Unit normals ``(H, W, 3)`` of the relief with pores and, with age, lines on the forehead."""
    grain = canvas.unit / 96
    pores = sum(weight * clouds(rng, canvas.shape, cell * grain) for cell, weight in ((1.7, 0.5), (3, 0.6), (6, 0.5)))
    fine: Array = z + np.float32(0.0006 + 0.0011 * face.age) * pores
    if face.age > 0.5:
        for k in range(3):
            line = face.brow_y - 0.21 - 0.12 * k + 0.02 * np.sin(4 * canvas.x + 2 * k)
            across = ramp(0.62, 0.25, np.abs(canvas.x))
            fine = fine - 0.007 * (face.age - 0.45) * np.exp(-(((canvas.y - line) / 0.014) ** 2)) * across
    fine = fine.astype(np.float32)
    slope_x = cv2.Sobel(fine, cv2.CV_32F, 1, 0, ksize=3, scale=canvas.unit / 8)
    slope_y = cv2.Sobel(fine, cv2.CV_32F, 0, 1, ksize=3, scale=canvas.unit / 8)
    normals = cv2.merge([-slope_x, -slope_y, np.full_like(z, 0.85)])
    result: Array = normals / np.sqrt((normals**2).sum(-1, keepdims=True))
    return result


def ambient(z: Array, face: Face, canvas: Canvas) -> Array:
    """Share of the ambient light that reaches each point, (0, 1]."""
    wide = np.clip(blur(z, 0.15 * canvas.unit) - z, 0, 0.25)
    rim = np.clip(face.level(canvas.x, canvas.y), 0, 1) ** 5
    result: Array = ((1 - 1.5 * wide) * (1 - 0.22 * rim)).astype(np.float32)
    return result


def cast_shadow(z: Array, light: Array, canvas: Canvas) -> Array:
    """Share of a distant light that is not hidden by the relief itself (nose, brows), [0, 1].

    Args:
        z: Depth ``(H, W)``, head units.
        light: ``(3,)`` unit vector towards the light (right, down, towards the viewer).
        canvas: The raster of ``z``.
    """
    small = cv2.resize(z, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    hidden = np.zeros_like(small)
    for step in np.linspace(0.04, 0.6, 14):
        shift_x, shift_y = (float(step * light[k] * canvas.unit / 2) for k in (0, 1))
        move = np.array([[1, 0, shift_x], [0, 1, shift_y]], np.float32)
        towards = cv2.warpAffine(
            small,
            move,
            small.shape[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        hidden = np.maximum(hidden, (towards - small - np.float32(step * light[2])) / np.float32(0.02 + 0.10 * step))
    lit = 1 - ramp(0.0, 1.6, hidden)
    return cv2.resize(blur(lit, 0.016 * canvas.unit), z.shape[::-1], interpolation=cv2.INTER_LINEAR)
