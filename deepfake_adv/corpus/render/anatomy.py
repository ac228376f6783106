"""The shape of a face: measurements drawn from a seed, and the curves computed from them.

Relief, skin, eyes, mouth and landmarks all read the same curves, so that the 68 landmarks are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepfake_adv.corpus.render.canvas import Array


@dataclass(frozen=True)
class Expression:
    """A facial expression at one moment.

    Attributes:
        jaw: 0 (shut) to 1 (wide open).
        smile: Corners of the mouth; negative draws them down, 1 is a broad smile.
        pucker: 1 rounds the lips, negative spreads them.
        brows: 1 raises them, -1 lowers them.
        frown: 0 to 1, draws the brows together.
        blink: 0 (open) to 1 (shut).
        gaze: Direction of the eyes, each component in [-1, 1] (right, down).
    """

    jaw: float = 0.0
    smile: float = 0.0
    pucker: float = 0.0
    brows: float = 0.0
    frown: float = 0.0
    blink: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Face:
    """Measures of one face in head units; see the curves below for what each does."""

    chin: float
    crown: float
    cheek_power: float
    jaw_power: float
    eye_x: float
    eye_width: float
    eye_upper: float
    eye_lower: float
    eye_tilt: float
    brow_y: float
    brow_inner: float
    brow_outer: float
    brow_arch: float
    brow_tilt: float
    brow_weight: float
    nose_y: float
    nose_width: float
    nose_length: float
    nose_bridge: float
    mouth_y: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    cupid: float
    age: float

    @staticmethod
    def sample(rng: np.random.Generator) -> Face:
        """Draw a face."""
        u = rng.uniform
        chin, nose_y = u(1.36, 1.58), u(0.54, 0.66)
        return Face(
            chin=chin,
            crown=u(1.26, 1.38),
            cheek_power=u(1.95, 2.35),
            jaw_power=u(2.2, 3.1),
            eye_x=u(0.405, 0.465),
            eye_width=u(0.175, 0.21),
            eye_upper=u(0.072, 0.105),
            eye_lower=u(0.042, 0.062),
            eye_tilt=u(-0.06, 0.11),
            brow_y=u(-0.285, -0.215),
            brow_inner=u(0.13, 0.19),
            brow_outer=u(0.67, 0.76),
            brow_arch=u(0.025, 0.09),
            brow_tilt=u(-0.05, 0.05),
            brow_weight=u(0.026, 0.058),
            nose_y=nose_y,
            nose_width=u(0.185, 0.26),
            nose_length=u(0.22, 0.33),
            nose_bridge=u(0.09, 0.19),
            mouth_y=nose_y + (chin - nose_y) * u(0.35, 0.41),
            mouth_width=u(0.31, 0.40),
            lip_upper=u(0.052, 0.092),
            lip_lower=u(0.075, 0.12),
            cupid=u(0.008, 0.03),
            age=u(0.0, 1.0),
        )

    def level(self, x: Array, y: Array) -> Array:
        """Implicit outline: below 1 inside the face, 1 on its outline, above 1 outside."""
        below = np.maximum(y, 0) / self.chin
        above = np.maximum(-y, 0) / self.crown
        return np.abs(x) ** self.cheek_power + below**self.jaw_power + above**2.3

    def half_width(self, y: Array) -> Array:
        """x of the outline at height ``y``, 0 beyond crown and chin."""
        rest = 1 - self.level(np.zeros_like(y), y)
        result: Array = np.clip(rest, 0, None) ** (1 / self.cheek_power)
        return result

    def brow(self, t: Array) -> tuple[Array, Array]:
        """Middle line of the right-hand brow, ``t`` from 0 (inner end) to 1 (outer end)."""
        x = self.brow_inner + (self.brow_outer - self.brow_inner) * t
        arch = np.sin(np.pi * np.clip(t, 0, 1) ** 0.85)
        y = self.brow_y - self.brow_arch * arch - self.brow_tilt * t + 0.06 * np.maximum(t - 0.5, 0)
        return x, y

    def lips(self, x: Array) -> tuple[Array, Array, Array]:
        """Heights of the upper outline, the seam and the lower outline of the shut mouth at ``x``."""
        t = np.clip(np.abs(x) / self.mouth_width, 0, 1)
        seam = self.mouth_y + 0.014 * (1 - t) - 0.012 * t**2
        upper = seam - self.lip_upper * (1 - t**1.6) ** 0.85 + self.cupid * np.exp(-((x / 0.055) ** 2))
        lower = seam + self.lip_lower * (1 - t**2.1) ** 0.8
        return upper, seam, lower

    def lids(self, t: Array, blink: float) -> tuple[Array, Array]:
        """Upper and lower lid over the eye, ``t`` from -1 (inner corner) to 1 (outer corner)."""
        t = np.clip(t, -1, 1)
        lower = self.eye_lower * (1 - t**2) ** 0.85
        upper = -self.eye_upper * (1 - np.abs(t + 0.08 * (1 - t**2)) ** 2.1) ** 0.8
        return upper * (1 - blink) + (0.9 * lower) * blink, lower

    def parting(self, x: Array, expression: Expression) -> tuple[Array, Array]:
        """How far the upper lip rises and the lower lip sinks from the seam at ``x``."""
        t = np.clip(np.abs(x) / (0.96 * self.mouth_width), 0, 1)
        profile = (1 - t**2) ** 0.8
        up = 0.03 * expression.jaw + 0.008 * max(expression.smile, 0.0)
        return up * profile, 0.25 * expression.jaw * profile
