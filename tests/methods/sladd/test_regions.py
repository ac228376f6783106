"""Regions against the seed's way of drawing them: a line, dilated by a cross again and again."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from deepfake_adv.methods.sladd.regions import (
    ANCHORS,
    REGIONS,
    _between,
    deformed,
    eye_centres,
    region_mask,
    roughened,
)

SIZE = 256
KNOWN = {36: (70, 104), 39: (110, 104), 42: (148, 104), 45: (194, 104), 33: (128, 152), 48: (90, 200), 54: (168, 200)}
LEFT, RIGHT, EYES = ((70, 104), (110, 104), 40), ((148, 104), (194, 104), 44), ((90, 104), (171, 104), 20)
NOSE, MOUTH = ((128, 152), (130, 104), 20), ((90, 200), (168, 200), 26)  # the nose's 20: a quarter of 81 between eyes
SEED = [
    (LEFT,), (RIGHT,), (EYES,), (NOSE,), (MOUTH,),
    (NOSE, LEFT), (NOSE, RIGHT), (NOSE, EYES), (NOSE, MOUTH), (EYES, NOSE, MOUTH),
]  # fmt: skip


def face() -> np.ndarray:
    points = np.random.default_rng(0).uniform(30, 220, (68, 2))
    points[list(KNOWN)] = list(KNOWN.values())
    return points.astype(np.float32)


def dilated(strokes: tuple[Any, ...]) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.bool_)
    for start, end, times in strokes:
        line = cv2.line(np.zeros((SIZE, SIZE), np.uint8), start, end, 1, thickness=2)
        mask |= binary_dilation(line, iterations=times)
    return mask


@pytest.mark.parametrize("region", range(len(REGIONS)))
def test_regions_are_the_seeds_pixel_by_pixel(region: int) -> None:
    mask, expected = region_mask(face(), region, (SIZE, SIZE)), dilated(SEED[region])
    assert (mask.astype(bool) != expected).sum() <= 0.01 * expected.sum()  # ends between pixels are rounded elsewhere
    assert set(np.unique(mask)) == {0, 1}


@pytest.mark.parametrize("region", range(len(REGIONS)))
@pytest.mark.parametrize("size", [64, 96])
def test_regions_scale_with_the_image(region: int, size: int) -> None:
    scale = size / SIZE
    large, small = region_mask(face(), region, (SIZE, SIZE)), region_mask(face() * scale, region, (size, size))
    assert small.mean() == pytest.approx(large.mean(), rel=0.12)


@pytest.mark.parametrize("region", range(len(REGIONS)))
def test_regions_cover_what_they_name(region: int) -> None:
    mask = region_mask(face(), region, (SIZE, SIZE))
    left, right = eye_centres(face())
    places = {"left": left, "right": right, "nose": face()[33], "mouth": np.array([128.0, 200.0])}
    expected = [
        {"left"}, {"right"}, {"left", "right"}, {"nose"}, {"mouth"}, {"nose", "left"}, {"nose", "right"},
        {"nose", "left", "right"}, {"nose", "mouth"}, {"left", "right", "nose", "mouth"},
    ]  # fmt: skip
    found = {name for name, (x, y) in places.items() if mask[round(float(y)), round(float(x))] > 0}
    assert found == expected[region]
    bent = deformed(mask, np.random.default_rng(0))
    assert bent.min() >= 0
    assert bent.max() <= 1
    assert bent.sum() > 0
    assert not (bent[cv2.dilate(mask, np.ones((5, 5))) == 0]).any()  # the blur's reach from the former outline


def test_a_line_outside_the_image_marks_nothing() -> None:
    assert not region_mask(face() - 1000, 9, (SIZE, SIZE)).any()


def test_anchors_are_spread_from_border_to_border() -> None:
    heights = np.random.default_rng(0).normal(size=ANCHORS)
    found = _between(SIZE) @ heights
    np.testing.assert_allclose(found, np.interp(np.arange(SIZE), np.linspace(0, SIZE - 1, ANCHORS), heights))


class Script:
    """Stands in for a random rng: the draws are given."""

    def __init__(self, chances: list[float], radii: list[int]) -> None:
        self.chances, self.radii = chances, radii
        self.ranges: list[tuple[int, int]] = []

    def random(self) -> float:
        return self.chances.pop(0)

    def integers(self, low: int, high: int) -> int:
        self.ranges.append((low, high))
        return self.radii.pop(0)


@pytest.mark.parametrize(("chance", "operation"), [(0.29, cv2.erode), (0.31, cv2.dilate), (0.59, cv2.dilate)])
def test_a_mask_is_eroded_or_dilated(chance: float, operation: Callable[..., np.ndarray]) -> None:
    mask, script = region_mask(face(), 9, (SIZE, SIZE)), Script([chance, 0.95], [4])
    found = roughened(mask, script)  # type: ignore[arg-type]
    assert np.array_equal(found, operation(mask, np.ones((9, 9), np.uint8)))
    assert script.ranges == [(1, 10)]  # 3 to 19 px


def test_a_mask_may_be_left_alone() -> None:
    mask = region_mask(face(), 9, (SIZE, SIZE))
    assert np.array_equal(roughened(mask, Script([0.61, 0.91], [])), mask)  # type: ignore[arg-type]


def test_the_last_blur_smooths_the_outline_alone() -> None:
    mask, script = region_mask(face(), 9, (SIZE, SIZE)), Script([0.61, 0.89], [8])
    found = roughened(mask, script)  # type: ignore[arg-type]
    assert script.ranges == [(0, 9)]  # 1 to 17 px
    assert set(np.unique(found)) == {0, 1}
    assert np.array_equal(found, cv2.GaussianBlur(mask, (17, 17), 0) > 0.5)
    assert not np.array_equal(found, mask)
