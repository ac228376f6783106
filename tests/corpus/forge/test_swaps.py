"""The swaps of the two further sets: contracts, and what sets each apart from DF."""

import numpy as np
import pytest

from deepfake_adv.corpus.forge.celebdf import celebrity_swap
from deepfake_adv.corpus.forge.deepfakes import deepfakes
from deepfake_adv.corpus.forge.dfd import actor_swap

SWAPS = {"dfd": actor_swap, "celebdf": celebrity_swap, "df": deepfakes}


@pytest.fixture(scope="module")
def made(footage):
    (target, target_points), (donor, donor_points) = footage
    return {name: swap(target, target_points, donor, donor_points) for name, swap in SWAPS.items()}


@pytest.mark.parametrize("name", ["dfd", "celebdf"])
class TestEachSwap:
    def test_frames_and_masks_have_the_targets_form(self, made, footage, name):
        target = footage[0][0]
        assert len(made[name].frames) == len(made[name].masks) == len(target)
        assert all(frame.shape == target[0].shape and frame.dtype == np.uint8 for frame in made[name].frames)

    def test_nothing_changes_outside_the_mask_and_the_face_does_inside(self, made, footage, name):
        target, points = footage[0]
        for frame, original, mask, place in zip(made[name].frames, target, made[name].masks, points, strict=True):
            np.testing.assert_array_equal(frame[mask == 0], original[mask == 0])
            assert 1 < np.abs(frame.astype(int) - original).mean(-1)[mask > 200].mean() < 60
            share = (mask > 0).sum() / np.prod(np.ptp(place, axis=0))
            assert 0.45 < share < 0.95

    def test_it_is_repeatable(self, made, footage, name):
        (target, target_points), (donor, donor_points) = footage
        again = SWAPS[name](target, target_points, donor, donor_points)
        np.testing.assert_array_equal(again.frames, made[name].frames)


def step_at_the_seam(made, footage):
    """Mean change from original to forged within two pixels of the mask's border, 8-bit levels."""
    import cv2

    found = []
    for frame, original, mask in zip(made.frames, footage[0][0], made.masks, strict=True):
        inside = (mask > 0).astype(np.uint8)
        rim = (inside - cv2.erode(inside, np.ones((5, 5), np.uint8))).astype(bool)
        found.append(np.abs(frame.astype(int) - original).mean(-1)[rim].mean())
    return np.mean(found)


def test_the_celebrities_have_the_softest_seam(made, footage):
    assert step_at_the_seam(made["celebdf"], footage) < 2.0
    assert step_at_the_seam(made["celebdf"], footage) <= step_at_the_seam(made["df"], footage)


def trembling(made):
    """How much the change of the face changes from frame to frame, second differences, 8-bit levels."""
    stack = np.stack(made.frames).astype(float)
    return np.abs(np.diff(stack, n=2, axis=0))[:, np.stack(made.masks).min(0) > 200].mean()


def test_smoothing_over_time_steadies_the_face(footage):
    (target, target_points), (donor, donor_points) = footage
    still = [target[0]] * len(target)
    held = np.repeat(target_points[:1], len(target), 0)
    jolted = held.copy()
    jolted[::2, 48:68, 1] += 3.0  # a mouth that jumps every other frame
    rough, smooth = (
        celebrity_swap(still, jolted, donor, donor_points, smoothing=deviation) for deviation in (0.0, 0.7)
    )
    assert trembling(smooth) < 0.8 * trembling(rough)


def test_the_actors_masks_are_hard(made):
    assert set(np.unique(np.stack(made["dfd"].masks))) == {0, 255}
