import numpy as np
import pytest
import torch

from deepfake_adv.studies.degrade import DEGRADATIONS

MILD = {"jpeg": 95, "blur": 0.4, "noise": 1.0, "resize": 0.9, "crf": 10}
HARSH = {"jpeg": 10, "blur": 3.0, "noise": 20.0, "resize": 0.25, "crf": 45}


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 3, 9, 9, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (37, 41), mode="bicubic").clamp(0, 1)
    return (smooth + 0.05 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("name", sorted(DEGRADATIONS))
def test_a_harsher_level_takes_images_further_away(images, name):
    videos = np.array([0, 0, 0, 1, 1, 1])
    mild, harsh = (DEGRADATIONS[name](images, level, videos) for level in (MILD[name], HARSH[name]))
    for degraded in (mild, harsh):
        assert degraded.shape == images.shape
        assert degraded.min() >= 0
        assert degraded.max() <= 1
    distance = [(degraded - images).square().mean().item() for degraded in (mild, harsh)]
    assert 0 < distance[0] < distance[1]


def test_no_blur_is_the_identity(images):
    assert torch.equal(DEGRADATIONS["blur"](images, 0.0, np.zeros(6, int)), images)


def test_a_clip_keeps_its_own_frames(images):
    videos = np.array([1, 0, 1, 0, 1, 0])
    degraded = DEGRADATIONS["crf"](images, 5, videos)
    nearest = torch.cdist(degraded.flatten(1), images.flatten(1)).argmin(1)
    assert nearest.tolist() == list(range(6))
