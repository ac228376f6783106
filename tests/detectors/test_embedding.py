import pytest
import torch

from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.detectors.compact import Compact
from deepfake_adv.detectors.embedding import embed


@pytest.mark.parametrize("name", ["compact", "tsn", "ffd", "multi_attention"])
def test_the_score_is_that_of_the_detector_with_a_vector_per_sample(name, make, sample):
    detector = make(name).eval()
    images, *_ = sample(detector, batch=2, height=64, width=64)
    scores, features = embed(detector, images)
    with torch.no_grad():
        expected = fake_probability(detector(images))
    assert torch.allclose(scores, expected, atol=1e-6)
    assert features.shape == (2, detector.feature_channels)
    assert not torch.equal(features[0], features[1])


def test_a_detector_with_a_way_of_its_own_is_scored_by_it():
    class Own(Compact):
        def forward(self, images):
            return super().forward(images).flip(1)

    detector, images = Own(width=4).eval(), torch.rand(2, 3, 24, 24)
    assert torch.allclose(embed(detector, images)[0], fake_probability(detector(images)), atol=1e-6)
