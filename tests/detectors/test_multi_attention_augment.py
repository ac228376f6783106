import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfake_adv.detectors.multi_attention import _degraded, attention_guided, sharpened
from deepfake_adv.detectors.multi_attention_parts import VARIANTS


@pytest.fixture(params=["paper", "release"])
def values(request):
    torch.manual_seed(0)
    return VARIANTS[request.param]


def test_only_where_attention_is_high_an_image_changes(values):
    images, attention = torch.rand(2, 3, 64, 64), torch.zeros(2, 1, 16, 16)
    attention[:, :, 2:6, 2:6] = 3
    degraded, drawn = attention_guided(images, attention, values)
    assert drawn.tolist() == [0, 0]
    assert torch.equal(degraded[:, :, 32:], images[:, :, 32:])
    core = (slice(None), slice(None), slice(13, 20), slice(13, 20))
    assert degraded[core].var() < 0.5 * images[core].var()  # fine grain is gone there


def test_without_attention_nothing_changes(values):
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(attention_guided(images, torch.zeros(2, 4, 4, 4), values)[0], images)


def test_degraded_images_stay_in_range_at_any_size(values):
    images = torch.rand(2, 3, 33, 50).round()
    degraded, _ = attention_guided(images, torch.rand(2, 4, 2, 3), values)
    assert degraded.shape == images.shape
    assert degraded.min() >= 0
    assert degraded.max() <= 1


def test_maps_are_drawn_by_the_root_of_their_mass(values):
    attention = torch.zeros(4000, 2, 1, 1)
    attention[:, 1] = 8  # sqrt(9) against sqrt(1)
    _, drawn = attention_guided(torch.rand(4000, 3, 4, 4), attention, values)
    assert drawn.double().mean() == pytest.approx(0.75, abs=0.03)


def _resized(picture, height, width):
    """Bilinear, corners on corners, no filter; one line after another."""
    for axis, size in ((0, height), (1, width)):
        places = np.linspace(0, picture.shape[axis] - 1, size)
        picture = np.apply_along_axis(lambda line, at=places: np.interp(at, np.arange(len(line)), line), axis, picture)
    return picture


def _blurred(picture, kernel, sigma):
    reach = kernel // 2
    weights = [math.exp(-((k - reach) ** 2) / (2 * sigma**2)) for k in range(kernel)]
    padded = np.pad(picture, reach, mode="reflect")
    rows = [sum(w * padded[y + k] for k, w in enumerate(weights)) for y in range(picture.shape[0])]
    columns = np.stack(rows) / sum(weights)
    return np.stack(
        [sum(w * columns[:, x + k] for k, w in enumerate(weights)) / sum(weights) for x in range(picture.shape[1])], 1
    )


def test_the_degraded_copy_is_resized_as_the_authors_do(values):
    images = torch.rand(2, 3, 53, 60, dtype=torch.float64)
    found = _degraded(images, replace(values, degraded_noise=0.0))
    small = {"paper": (15, 18), "release": (26, 30)}["release" if values.sharpened else "paper"]
    for picture, result in zip(images.flatten(0, 1).numpy(), found.flatten(0, 1).numpy(), strict=True):
        expected = _resized(_blurred(_resized(picture, *small), 11, 7.0), 53, 60)
        np.testing.assert_allclose(result, expected, atol=1e-12)


def test_the_sharpened_mask_starts_at_0_and_rises():
    mask = torch.linspace(0, 1, 9)
    result = sharpened(mask, torch.tensor(0.5), torch.tensor(4.0))
    assert result[0] == 0
    assert (result.diff() > 0).all()
    assert result[-1] < 1
