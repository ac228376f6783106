import cv2
import numpy as np
import pytest

from deepfake_adv.detectors.templates import average_templates, read_templates, write_templates


def test_groups_of_like_masks_are_averaged():
    rng = np.random.default_rng(0)
    mouths, eyes = np.zeros((20, 6, 6), np.float32), np.zeros((30, 6, 6), np.float32)
    mouths[:, 4:] = rng.uniform(0.6, 1, (20, 2, 6))
    eyes[:, :2] = rng.uniform(0.6, 1, (30, 2, 6))
    templates = average_templates(np.concatenate([mouths, eyes]), 2, rng)
    found = sorted(templates, key=lambda template: template[0].sum())
    np.testing.assert_allclose(found, [mouths.mean(0), eyes.mean(0)], atol=1e-6)


def test_more_templates_than_masks_are_refused():
    with pytest.raises(ValueError, match=r"masks must be \(N, h, w\) with N at least 3; got \(2, 4, 4\)"):
        average_templates(np.zeros((2, 4, 4), np.float32), 3, np.random.default_rng(0))


def test_a_file_and_a_folder_read_alike(tmp_path):
    templates = np.random.default_rng(0).integers(0, 256, (3, 5, 5)).astype(np.uint8)
    write_templates(tmp_path / "t.npz", templates.astype(np.float32) / 255)
    for index, template in enumerate(templates):
        cv2.imwrite(str(tmp_path / f"{index}.png"), template)
    np.testing.assert_allclose(read_templates(tmp_path / "t.npz"), read_templates(tmp_path), atol=1e-6)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found nothing at .*absent\.npz"):
        read_templates(tmp_path / "absent.npz")
    with pytest.raises(FileNotFoundError, match="found none in"):
        read_templates(tmp_path)


def test_other_content_is_refused(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match=r"with the array `templates`; got t\.npz"):
        read_templates(path)
    write_templates(path, np.full((2, 3, 3), 2.0, np.float32))
    with pytest.raises(ValueError, match=r"templates must be \(T, h, w\) in \[0, 1\]"):
        read_templates(path)


def test_pictures_of_different_sizes_are_refused(tmp_path):
    for side in (4, 5):
        cv2.imwrite(str(tmp_path / f"{side}.png"), np.zeros((side, side), np.uint8))
    with pytest.raises(ValueError, match="pictures of one size"):
        read_templates(tmp_path)
