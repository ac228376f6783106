import cv2
import numpy as np
import pytest

from deepfake_adv.detectors.templates import read_templates


def test_a_file_and_a_folder_read_alike(tmp_path):
    templates = np.random.default_rng(0).integers(0, 256, (3, 5, 5)).astype(np.uint8)
    np.savez(tmp_path / "t.npz", templates=templates.astype(np.float32) / 255)
    for index, template in enumerate(templates):
        cv2.imwrite(str(tmp_path / f"{index}.png"), template)
    np.testing.assert_allclose(read_templates(tmp_path / "t.npz"), read_templates(tmp_path), atol=1e-6)


def test_pictures_are_in_the_order_of_their_numbers(tmp_path):
    for index in (0, 1, 2, 10):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((3, 3), index, np.uint8))
    assert [round(float(template.mean()) * 255) for template in read_templates(tmp_path)] == [0, 1, 2, 10]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found nothing at .*absent\.npz"):
        read_templates(tmp_path / "absent.npz")
    with pytest.raises(FileNotFoundError, match="found none in"):
        read_templates(tmp_path)


def test_other_content_is_refused(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match=r"with the array `templates`, .*; got t\.npz \(.*Write it with numpy"):
        read_templates(path)
    np.savez(path, templates=np.full((2, 3, 3), 2.0, np.float32))
    with pytest.raises(ValueError, match=r"\(T, h, w\) in \[0, 1\]; got shape \(2, 3, 3\), or values out"):
        read_templates(path)


def test_a_broken_picture_is_named(tmp_path):
    (tmp_path / "0.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"0\.png must be an image"):
        read_templates(tmp_path)


def test_pictures_of_different_sizes_are_refused(tmp_path):
    for side in (4, 5):
        cv2.imwrite(str(tmp_path / f"{side}.png"), np.zeros((side, side), np.uint8))
    with pytest.raises(ValueError, match="pictures of one size"):
        read_templates(tmp_path)
