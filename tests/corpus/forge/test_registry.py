"""What every forgery keeps, whatever it does: contract tests over the registry."""

import numpy as np
import pytest

from deepfake_adv.corpus.forge.blending import keep_outside
from deepfake_adv.corpus.forge.registry import FORGERIES
from deepfake_adv.names import FF_FORGERIES, Forgery
from deepfake_adv.video.colour import rgb_to_i420

# Share of the face's box that a forgery's mask covers.
COVERAGE = {Forgery.DF: (0.45, 0.95), Forgery.F2F: (0.6, 1.2), Forgery.FS: (0.5, 1.0), Forgery.NT: (0.1, 0.35)}


@pytest.fixture(scope="module")
def forged(footage):
    (target, target_points), (donor, donor_points) = footage
    return {name: forge(target, target_points, donor, donor_points) for name, forge in FORGERIES.items()}


def test_the_registry_holds_the_four_of_faceforensics():
    assert tuple(FORGERIES) == FF_FORGERIES


@pytest.mark.parametrize("name", FF_FORGERIES)
class TestEveryForgery:
    def test_frames_and_masks_have_the_targets_form(self, forged, footage, name):
        target = footage[0][0]
        made = forged[name]
        assert len(made.frames) == len(made.masks) <= len(target)
        assert all(frame.shape == target[0].shape and frame.dtype == np.uint8 for frame in made.frames)
        assert all(mask.shape == target[0].shape[:2] and mask.dtype == np.uint8 for mask in made.masks)

    def test_nothing_changes_outside_the_mask(self, forged, footage, name):
        for frame, original, mask in zip(forged[name].frames, footage[0][0], forged[name].masks, strict=False):
            np.testing.assert_array_equal(frame[mask == 0], original[mask == 0])

    def test_something_changes_inside_it(self, forged, footage, name):
        for frame, original, mask in zip(forged[name].frames, footage[0][0], forged[name].masks, strict=False):
            change = np.abs(frame.astype(int) - original).mean(-1)
            assert 0.3 < change[mask > 200].mean() < 60

    def test_the_mask_covers_its_part_of_the_face(self, forged, footage, name):
        points = footage[0][1]
        for frame_points, mask in zip(points, forged[name].masks, strict=False):
            width, height = np.ptp(frame_points, axis=0)
            share = (mask > 0).sum() / (width * height)
            low, high = COVERAGE[name]
            assert low < share < high
            assert mask.max() > 200
            mouth = frame_points[48:68].mean(0).round().astype(int)
            assert mask[mouth[1], mouth[0]] > 100

    def test_it_is_repeatable(self, forged, footage, name):
        (target, target_points), (donor, donor_points) = footage
        again = FORGERIES[name](target, target_points, donor, donor_points)
        np.testing.assert_array_equal(again.frames, forged[name].frames)

    def test_sizes_of_the_two_clips_may_differ(self, footage, name):
        (target, target_points), (donor, donor_points) = footage
        small = [np.ascontiguousarray(frame[:140, :150]) for frame in donor]
        made = FORGERIES[name](target, target_points, small, donor_points)
        assert made.frames[0].shape == target[0].shape


def test_face_swap_and_neural_textures_stop_at_the_shorter_clip(footage):
    (one, one_points), (other, other_points) = footage
    shorter = min(len(one), len(other))
    assert len(one) != len(other)
    for name, forge in FORGERIES.items():
        lengths = [
            len(forge(one, one_points, other, other_points).frames),
            len(forge(other, other_points, one, one_points).frames),
        ]
        expected = [shorter] * 2 if name in (Forgery.FS, Forgery.NT) else [len(one), len(other)]
        assert lengths == expected


def test_neural_textures_leave_eyes_and_outline_alone(forged, footage):
    for points, mask in zip(footage[0][1], forged[Forgery.NT].masks, strict=False):
        around_eyes = points[36:48].round().astype(int)
        assert (mask[around_eyes[:, 1], around_eyes[:, 0]] == 0).all()
        jaw = points[:4].round().astype(int)
        assert (mask[jaw[:, 1], jaw[:, 0]] == 0).all()


def test_samples_outside_the_mask_are_kept_after_conversion():
    rng = np.random.default_rng(0)
    original, forged = (rgb_to_i420(rng.integers(0, 256, (16, 20, 3), dtype=np.uint8)) for _ in range(2))
    mask = np.zeros((16, 20), np.uint8)
    mask[5:9, 7:12] = 90
    out = keep_outside(forged, original, mask)
    np.testing.assert_array_equal(out[:16][mask == 0], original[:16][mask == 0])
    np.testing.assert_array_equal(out[:16][mask > 0], forged[:16][mask > 0])
    blocks = mask.reshape(8, 2, 10, 2).max((1, 3)) > 0
    planes = [picture[16:].reshape(2, 8, 10) for picture in (out, original, forged)]
    np.testing.assert_array_equal(planes[0][:, ~blocks], planes[1][:, ~blocks])
    np.testing.assert_array_equal(planes[0][:, blocks], planes[2][:, blocks])
