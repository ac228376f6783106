import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from deepfake_adv.ops.residual import GAIN, noise_residual, residual_kernel


@pytest.mark.parametrize(("below", "right"), [(1, 1), (2, 1), (1, 2)])
def test_it_is_each_pixel_minus_the_mean_around_it(below, right):
    images = torch.rand(2, 3, 7, 9, dtype=torch.float64)
    found = noise_residual(images, residual_kernel().double(), below=below, right=right)
    spare = ((0, 0), (0, 0), (0, below - 1), (0, right - 1))
    grown = np.pad(images.numpy(), spare, mode="reflect")
    # scipy's `mirror` is reflection without the border's own pixel, as of the images before they grew
    means = uniform_filter(
        np.pad(images.numpy(), ((0, 0), (0, 0), (1, below), (1, right)), mode="reflect"), (1, 1, 3, 3)
    )
    assert np.allclose(found, GAIN * (grown - means[:, :, 1:-1, 1:-1]))


def test_of_an_even_image_nothing_is_left():
    assert noise_residual(torch.full((1, 3, 5, 5), 0.7), residual_kernel()).abs().max() < 1e-5
