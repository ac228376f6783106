"""Appendix E's augmentations: noise, Gaussian blur and JPEG."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from torchvision.transforms.v2 import functional as transforms

from deepfake_adv.ops.degradations import gaussian_blur, gaussian_noise, jpeg


@pytest.fixture
def images():
    return torch.rand(3, 3, 16, 20, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def smooth(size=64):
    ramp = torch.linspace(0, 1, size)
    return torch.stack([ramp[:, None].expand(size, size), ramp.expand(size, size), (ramp[:, None] * ramp)])[None]


def test_noise_has_the_requested_variance_and_mean():
    grey = torch.full((3, 3, 200, 200), 0.5)
    out = gaussian_noise(grey, torch.tensor([0.0, 10.0, 30.0]), 2.0, torch.Generator().manual_seed(0))
    levels = (out - grey) * 255
    torch.testing.assert_close(levels.var((1, 2, 3)), torch.tensor([0.0, 10.0, 30.0]), rtol=0.02, atol=1e-6)
    torch.testing.assert_close(levels.mean((1, 2, 3)), torch.full((3,), 2.0), rtol=0, atol=0.05)


def test_noise_is_reproducible_and_stays_in_range(images):
    variance = torch.full((3,), 900.0)
    first, second = (gaussian_noise(images, variance, 0.0, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert 0 <= first.min() <= first.max() <= 1
    assert first.dtype == images.dtype


def test_noise_gradcheck(images):
    def noise(inputs, variance):
        return gaussian_noise(inputs, variance, 0.0, torch.Generator().manual_seed(3))

    inside = (0.3 + 0.4 * images[:2, :1, :3, :3]).requires_grad_()
    variance = torch.tensor([5.0, 20.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(noise, (inside, variance))


def test_gaussian_blur_equals_slow_reference(images):
    variance = torch.tensor([0.4, 4.0, 30.0], dtype=torch.float64)
    padded = functional.pad(images, [4] * 4, mode="reflect")
    offsets = torch.arange(-4, 5, dtype=torch.float64)
    for n in range(3):
        weights = torch.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * variance[n]))
        weights = (weights / weights.sum()).expand(3, 1, 9, 9)
        expected = functional.conv2d(padded[n : n + 1], weights, groups=3)
        torch.testing.assert_close(gaussian_blur(images, variance)[n : n + 1], expected)


@pytest.mark.parametrize("variance", [0.3, 2.0, 30.0])
def test_gaussian_blur_equals_torchvision(images, variance):
    theirs = transforms.gaussian_blur(images, [9, 9], [variance**0.5] * 2)
    torch.testing.assert_close(gaussian_blur(images, torch.full((3,), variance)), theirs, rtol=0, atol=1e-6)


def test_gaussian_blur_limits_and_dtype(images):
    assert torch.equal(gaussian_blur(images, torch.zeros(3)), images)
    box = functional.avg_pool2d(functional.pad(images, [1] * 4, mode="reflect"), 3, stride=1)
    torch.testing.assert_close(gaussian_blur(images, torch.full((3,), 1e9), 3), box)
    with torch.autocast("cpu", torch.bfloat16):
        assert gaussian_blur(images.bfloat16(), torch.ones(3)).dtype == torch.bfloat16


def test_gaussian_blur_gradcheck(images):
    inputs = images[:2, :2, :5, :6].clone().requires_grad_()
    variance = torch.tensor([0.7, 6.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, v: gaussian_blur(x, v, 5), (inputs, variance))


@pytest.mark.parametrize("quality", [60, 85, 100])
def test_jpeg_equals_pillow(quality):
    out = jpeg(smooth(), torch.tensor([float(quality)]))
    levels = (smooth()[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "JPEG", quality=quality, subsampling=2)
    expected = np.asarray(Image.open(stream)).astype(np.float32)
    # Two builds of libjpeg round the colour conversion differently by a level or two.
    assert np.abs((out[0] * 255).permute(1, 2, 0).numpy() - expected).max() <= 3


def test_jpeg_quality_is_per_image_and_monotone():
    noisy = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).expand(3, -1, -1, -1)
    out = jpeg(noisy, torch.tensor([60.0, 80.0, 100.0]))
    errors = (out - noisy).abs().mean((1, 2, 3))
    assert errors[0] > errors[1] > errors[2]
    assert torch.equal(out[1:2], jpeg(noisy[1:2], torch.tensor([80.0])))


def test_jpeg_keeps_shape_dtype_and_has_no_gradient():
    grey = torch.rand(2, 1, 9, 11, dtype=torch.float64, requires_grad=True)
    out = jpeg(grey, torch.tensor([90, 95]))
    assert out.shape == grey.shape
    assert out.dtype == torch.float64
    assert not out.requires_grad


def test_bad_input_is_named(images):
    with pytest.raises(ValueError, match=r"variance must have the shape \(B,\) = \(3,\)"):
        gaussian_noise(images, torch.ones(2))
    with pytest.raises(ValueError, match="variance must be within"):
        gaussian_noise(images, torch.tensor([1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match="variance must be within"):
        gaussian_blur(images, torch.tensor([1.0, float("nan"), 1.0]))
    with pytest.raises(ValueError, match="kernel_size must be an odd integer"):
        gaussian_blur(images, torch.ones(3), 8)
    with pytest.raises(ValueError, match=r"quality must be within \[1, 100\]; got 101"):
        jpeg(images, torch.tensor([90.0, 101.0, 90.0]))
    with pytest.raises(ValueError, match="images must have 1 or 3 channels"):
        jpeg(torch.zeros(1, 2, 8, 8), torch.tensor([90.0]))
    with pytest.raises(ValueError, match="images must have the shape"):
        jpeg(torch.zeros(3, 8, 8), torch.tensor([90.0]))
