import numpy as np
import pytest

from deepfake_adv.faces.box import FaceBox, iou, mask_overlap, official_crop


def reference_square(left: int, top: int, right: int, bottom: int, width: int, height: int, scale: float):
    """FaceForensics++'s rule from its description, one pixel interval at a time."""
    size = int(max(right - left, bottom - top) * scale)
    centre = ((left + right) // 2, (top + bottom) // 2)
    start = [c - size // 2 for c in centre]
    start = [0 if s < 0 else s for s in start]
    while start[0] + size > width or start[1] + size > height:
        size -= 1
    return start[0], start[1], size


def boxes(count: int, width: int, height: int):
    rng = np.random.default_rng(3)
    for _ in range(count):
        x, y = rng.integers(-30, width - 10), rng.integers(-30, height - 10)
        w, h = rng.integers(20, 200, 2)
        if (x + x + w) // 2 < width and (y + y + h) // 2 < height:
            yield int(x), int(y), int(x + w), int(y + h)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (241, 400)])
def test_official_crop_agrees_with_an_independent_reading_also_at_the_borders(width, height):
    cases = list(boxes(400, width, height))
    touching = 0
    for case in cases:
        square = official_crop(FaceBox(*case), width, height)
        assert tuple(square) == reference_square(*case, width, height, 1.3)
        touching += square.x == 0 or square.y == 0 or square.x + square.side == width
    assert touching > 100


def test_even_crop_is_even_and_within_the_official_ones_reach():
    for case in boxes(300, 320, 240):
        square, even = official_crop(FaceBox(*case), 320, 240), official_crop(FaceBox(*case), 320, 240, even=True)
        assert not any(value % 2 for value in even)
        assert all(0 <= a - b <= 1 for a, b in zip(square, even, strict=True))
        assert even.x + even.side <= 320
        assert even.y + even.side <= 240


def test_the_margin_scales_the_side():
    box = FaceBox(100, 100, 140, 130)
    assert official_crop(box, 640, 480, margin=2.0).side == 80
    assert official_crop(box, 640, 480, margin=1.0) == (100, 95, 40)


@pytest.mark.parametrize("box", [FaceBox(400, 10, 500, 110), FaceBox(10, 300, 60, 350), FaceBox(5, 5, 5, 5)])
def test_a_square_without_pixels_is_refused(box):
    with pytest.raises(ValueError, match="box must overlap the frame of 320 x 240 px"):
        official_crop(box, 320, 240)


def test_iou_on_known_cases():
    box = FaceBox(0, 0, 10, 10)
    assert iou(box, box) == 1
    assert iou(box, FaceBox(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert iou(box, FaceBox(10, 10, 20, 20)) == 0
    assert iou(FaceBox(1, 1, 1, 1), FaceBox(1, 1, 1, 1)) == 0


def test_mask_overlap_counts_marked_pixels():
    mask = np.zeros((40, 60), np.uint8)
    assert mask_overlap(FaceBox(0, 0, 60, 40), mask) == 0
    mask[10:20, 10:30] = 255
    mask[30:, :] = 1  # noise of the mask's own encoding
    assert mask_overlap(FaceBox(0, 0, 60, 40), mask) == 1
    assert mask_overlap(FaceBox(-5, -5, 20, 40), mask) == 0.5
    assert mask_overlap(FaceBox(30, 0, 60, 40), mask) == 0
