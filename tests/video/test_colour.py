"""The pinned conversion, against its own formula in float64."""

import numpy as np
import pytest

from deepfake_adv.video.colour import i420_to_rgb, rgb_to_i420


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def reference_i420(rgb):
    """BT.601, limited range, from the standard's coefficients."""
    red, green, blue = (rgb[..., k].astype(np.float64) for k in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    y = 16 + luma * 219 / 255
    half = rgb.reshape(rgb.shape[0] // 2, 2, rgb.shape[1] // 2, 2, 3).astype(np.float64).mean((1, 3))
    mean = half @ [0.299, 0.587, 0.114]
    cb = 128 + (half[..., 2] - mean) / 1.772 * 224 / 255
    cr = 128 + (half[..., 0] - mean) / 1.402 * 224 / 255
    return y, cb, cr


@pytest.mark.parametrize(("height", "width"), [(2, 2), (16, 24), (10, 6)])
def test_planes_follow_the_standard(height, width):
    rgb = picture(height, width)
    planes = rgb_to_i420(rgb)
    assert planes.shape == (height * 3 // 2, width)
    assert planes.dtype == np.uint8
    y, cb, cr = reference_i420(rgb)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    assert np.abs(planes[:height] - y).max() <= 1.0
    assert np.abs(chroma[0] - cb).max() <= 1.5
    assert np.abs(chroma[1] - cr).max() <= 1.5


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 40, 90), (10, 240, 20)])
def test_flat_colours_survive_the_way_there_and_back(colour):
    rgb = np.full((4, 6, 3), colour, np.uint8)
    assert np.abs(i420_to_rgb(rgb_to_i420(rgb)).astype(int) - rgb).max() <= 2


def test_an_even_crop_converts_to_the_pixels_of_the_whole_frame():
    height, width = 32, 40
    planes = rgb_to_i420(picture(height, width))
    top, left, side = 6, 10, 16
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    cut = chroma[:, top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
    crop = np.concatenate([planes[top : top + side, left : left + side], cut.reshape(-1, side)])
    whole = i420_to_rgb(planes)[top : top + side, left : left + side]
    np.testing.assert_array_equal(i420_to_rgb(crop), whole)


@pytest.mark.parametrize("shape", [(3, 4, 3), (4, 5, 3), (0, 4, 3)])
def test_rgb_of_odd_size_is_refused(shape):
    with pytest.raises(ValueError, match="even height and width"):
        rgb_to_i420(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_rgb_picture_is_refused(array):
    with pytest.raises(ValueError, match="rgb must be a uint8 array"):
        rgb_to_i420(array)


def test_i420_of_odd_size_is_refused():
    with pytest.raises(ValueError, match="even frame height and width"):
        i420_to_rgb(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="even frame height and width"):
        i420_to_rgb(np.zeros((6, 5), np.uint8))
    with pytest.raises(ValueError, match="i420 must be a uint8 array"):
        i420_to_rgb(np.zeros((6, 4), np.float32))
