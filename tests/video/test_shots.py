from itertools import pairwise

import numpy as np
import pytest

from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420
from deepfake_adv.video.shots import find_cuts, mark_cuts, planes_thumbnail, thumbnail


def scene(seed: int, count: int, *, moved: float = 0.0, level: int = 0) -> list[np.ndarray]:
    """Thumbnails of a picture of blocks that drifts by `moved` of its width per frame."""
    blocks = np.random.default_rng(seed).integers(40, 200, (4, 8, 3)).astype(np.float32) + level
    picture = np.kron(blocks, np.ones((8, 8, 1), np.float32))
    return [np.roll(picture, round(64 * moved * k), axis=1)[:, :32] for k in range(count)]


def test_a_cut_is_found_at_its_frame():
    assert find_cuts(scene(0, 20) + scene(1, 20)) == [20]
    assert find_cuts(scene(0, 1) + scene(1, 1)) == [1]
    assert find_cuts(scene(0, 20)) == []
    assert find_cuts([]) == []


def test_movement_is_no_cut_and_a_cut_in_the_midst_of_it_is():
    steady = scene(0, 20, moved=1 / 64)
    assert max(np.abs(b - a).mean() for a, b in pairwise(steady)) > 4
    assert find_cuts(steady) == []
    assert find_cuts(steady + scene(1, 20, moved=1 / 64)) == [20]


def test_shots_of_one_frame_are_all_found():
    montage = [picture for seed in range(8) for picture in scene(seed, 1)]
    assert find_cuts(montage) == list(range(1, 8))


def test_frames_put_in_are_cut_on_both_sides():
    for length in (1, 2, 6):
        assert find_cuts(scene(0, 9) + [np.zeros((32, 32, 3), np.float32)] * length + scene(0, 9)) == [9, 9 + length]


def test_a_slight_change_of_light_is_no_cut():
    assert find_cuts(scene(0, 10) + scene(0, 10, level=7)) == []


def test_a_stream_agrees_with_the_list_and_stays_three_ahead():
    thumbnails = scene(0, 9) + scene(1, 2) + scene(2, 4)
    taken = 0

    def stream():
        nonlocal taken
        for number, _ in enumerate(thumbnails):
            taken = number
            yield number

    seen = []
    for number, cut in mark_cuts(stream(), thumbnails.__getitem__):
        assert taken <= number + 3
        seen.append((number, cut))
    assert [number for number, _ in seen] == list(range(15))
    assert [number for number, cut in seen if cut] == find_cuts(thumbnails) == [9, 11]


@pytest.mark.parametrize("size", [(120, 160), (1920, 1080), (34, 32)])
def test_planes_give_the_thumbnail_of_their_rgb(size):
    coarse = np.random.default_rng(3).integers(60, 190, (size[0] // 2, size[1] // 2, 3))
    planes = rgb_to_i420(np.kron(coarse, np.ones((2, 2, 1))).astype(np.uint8))
    found, expected = planes_thumbnail(planes), thumbnail(i420_to_rgb(planes))
    assert found.shape == expected.shape == (32, 32, 3)
    assert np.abs(found - expected).mean() < 1
