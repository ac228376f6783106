import pytest
import torch

from deepfake_adv.detectors.multi_attention_augment import attention_guided, sharpened
from deepfake_adv.detectors.multi_attention_loss import VARIANTS


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


def test_the_sharpened_mask_starts_at_0_and_rises():
    mask = torch.linspace(0, 1, 9)
    result = sharpened(mask, torch.tensor(0.5), torch.tensor(4.0))
    assert result[0] == 0
    assert (result.diff() > 0).all()
    assert result[-1] < 1
