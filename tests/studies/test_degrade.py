import numpy as np
import pytest
import torch

from deepfake_adv.ops.draws import rng_per_image
from deepfake_adv.studies.degrade import CRF, DEGRADATIONS, FILTERS, blur_window, encode_video

MILD = {"jpeg": 95, "blur": 0.4, "noise": 1.0, "resize": 0.9, "crf": 10}
HARSH = {"jpeg": 10, "blur": 3.0, "noise": 20.0, "resize": 0.25, "crf": 45}
NAMES = [f"picture {number}" for number in range(6)]


@pytest.fixture(scope="module")
def images():
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 3, 9, 9, generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, (37, 41), mode="bicubic").clamp(0, 1)
    return (smooth + 0.05 * torch.randn(smooth.shape, generator=rng)).clamp(0, 1)


@pytest.fixture(scope="module")
def pixels(images):
    return (images * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def degrade(name, images, level):
    if name != CRF:
        return FILTERS[name](images, level, rng_per_image(NAMES, 0))
    pixels = (images * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    coded = np.concatenate([encode_video(part, level) for part in (pixels[:3], pixels[3:])])
    return torch.from_numpy(coded).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_harsher_level_takes_images_further_away(images, name):
    mild, harsh = (degrade(name, images, level[name]) for level in (MILD, HARSH))
    for degraded in (mild, harsh):
        assert degraded.shape == images.shape
        assert degraded.min() >= 0
        assert degraded.max() <= 1
    distance = [(degraded - images).square().mean().item() for degraded in (mild, harsh)]
    assert 0 < distance[0] < distance[1]


@pytest.mark.parametrize("name", FILTERS)
def test_an_image_does_not_depend_on_the_others(images, name):
    whole = FILTERS[name](images, HARSH[name], rng_per_image(NAMES, 0))
    parts = [
        FILTERS[name](images[part], HARSH[name], rng_per_image(NAMES[part], 0))
        for part in (slice(0, 1), slice(1, 5), slice(5, 6))
    ]
    assert torch.equal(whole, torch.cat(parts))


def test_no_blur_is_the_identity(images):
    assert torch.equal(FILTERS["blur"](images, 0.0, None), images)
    assert [blur_window(level) for level in (0.3, 1, 2)] == [3, 7, 13]


def test_a_video_keeps_its_own_frames_and_its_size(pixels):
    before = pixels.copy()
    coded = encode_video(pixels, 5)
    assert coded.shape == pixels.shape
    assert np.array_equal(pixels, before)
    distances = [[np.abs(one.astype(int) - other).mean() for other in pixels] for one in coded]
    assert np.argmin(distances, 1).tolist() == list(range(6))
    assert np.array_equal(coded[:, -1], coded[:, -2])  # 37 rows: the last is put back by the one above
