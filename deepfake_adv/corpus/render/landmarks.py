"""The 68 points (the iBUG order that dlib and FaceForensics++ users know), exact by construction."""

from __future__ import annotations

import numpy as np

from deepfake_adv.corpus.render.anatomy import Expression, Face
from deepfake_adv.corpus.render.canvas import Array

# Per eye from the outer corner over the upper lid to the inner corner and back under it: (t, 1 = upper lid).
_EYE_T = np.array([1.0, 0.36, -0.36, -1.0, -0.36, 0.36], np.float32)
_LEFT_EYE, _RIGHT_EYE = [36, 37, 38, 39, 40, 41], [45, 44, 43, 42, 47, 46]


def landmarks(face: Face, expression: Expression) -> Array:
    """Landmarks on the canvas, ``(68, 2)`` head units, with blinks and the parted lips in them.

    The smooth part of the expression (smile, brows, dropping jaw) moves the canvas itself and is applied
    to points and pixels alike by ``head.Head``.
    """
    points = np.zeros((68, 2), np.float32)
    points[:17] = _jaw(face)
    along = np.linspace(0, 1, 5, dtype=np.float32)
    brow_x, brow_y = face.brow(along)
    points[22:27] = np.stack([brow_x, brow_y], -1)
    points[17:22] = np.stack([-brow_x, brow_y], -1)[::-1]
    points[27:31, 1] = np.linspace(-0.02, face.nose_y - 0.07, 4)
    points[31:36, 0] = face.nose_width * np.array([-0.85, -0.42, 0, 0.42, 0.85])
    points[31:36, 1] = face.nose_y + np.array([0.025, 0.045, 0.062, 0.045, 0.025])
    upper, lower = face.lids(_EYE_T, expression.blink)
    lid = np.where(np.arange(6) < 3, upper, lower)
    lid[[0, 3]] = 0
    cos, sin = np.cos(face.eye_tilt), np.sin(face.eye_tilt)
    along_eye = _EYE_T * face.eye_width
    for side, index in ((-1, _LEFT_EYE), (1, _RIGHT_EYE)):
        points[index, 0] = side * (face.eye_x + along_eye * cos + lid * sin)
        points[index, 1] = lid * cos - along_eye * sin
    points[48:60] = _lips(
        face, expression, [-1, -0.62, -0.22, 0, 0.22, 0.62, 1, 0.62, 0.22, 0, -0.22, -0.62], outer=True
    )
    points[60:68] = _lips(face, expression, [-0.85, -0.25, 0, 0.25, 0.85, 0.25, 0, -0.25], outer=False)
    return points


def _jaw(face: Face) -> Array:
    angle = np.linspace(0, np.pi / 2, 9)
    y = (-0.02 + (face.chin + 0.02) * np.sin(angle) ** 0.95).astype(np.float32)
    x = face.half_width(y)
    x[-1] = 0
    right = np.stack([x, y], -1)
    return np.concatenate([right[:8] * [-1, 1], right[::-1]]).astype(np.float32)


def _lips(face: Face, expression: Expression, positions: list[float], *, outer: bool) -> Array:
    x = np.array(positions, np.float32) * face.mouth_width
    upper, seam, lower = face.lips(x)
    up, down = face.parting(x, expression)
    top_row = np.arange(len(x)) <= len(x) // 2
    if outer:
        y = np.where(top_row, upper - up, lower + down)
        y[[0, len(x) // 2]] = seam[[0, len(x) // 2]]
    else:
        y = np.where(top_row, seam - up, seam + down)
    return np.stack([x, y], -1).astype(np.float32)
