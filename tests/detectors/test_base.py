import pytest
import torch

from deepfake_adv.detectors.base import Detector, fake_probability


class Blocks(Detector):
    """Means of the colours."""

    feature_channels = 3
    min_size, needs_masks = 16, True

    def extract(self, normalised):
        return normalised

    def classify(self, features):
        return features.mean((2, 3))[:, :2]


def test_images_are_normalised_to_minus_one_and_one():
    detector = Blocks()
    assert torch.equal(detector.normalise(torch.zeros(1, 3, 16, 16)), -torch.ones(1, 3, 16, 16))
    assert torch.equal(detector.normalise(torch.ones(1, 3, 16, 16)), torch.ones(1, 3, 16, 16))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 4, 16, 16), (2, 3, 3, 16, 16)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"images must be \(B, 3, H, W\); got"):
        Blocks()(torch.zeros(shape))


@pytest.mark.parametrize("size", [(8, 16), (16, 8)])
def test_a_side_too_small_is_refused(size):
    with pytest.raises(ValueError, match=r"at least 16 px for Blocks; got"):
        Blocks()(torch.zeros(1, 3, *size))


def test_missing_masks_are_named_before_anything_is_computed():
    with pytest.raises(ValueError, match=r"masks must be given to train Blocks; got None\."):
        Blocks().training_loss(torch.zeros(1, 3, 16, 16), torch.zeros(1, dtype=torch.int64))


def test_the_loss_of_half_precision_logits_is_taken_in_full_precision():
    detector = Blocks().bfloat16()
    labels, masks = torch.tensor([0, 1]), torch.zeros(2, 1, 16, 16)
    loss = detector.training_loss(torch.rand(2, 3, 16, 16).bfloat16(), labels, masks)
    assert loss.total.dtype == loss.classification.dtype == torch.float32


def test_the_score_is_the_probability_of_fake():
    logits = torch.tensor([[0.0, 0.0], [0.0, 2.0], [3.0, 0.0]], dtype=torch.bfloat16)
    torch.testing.assert_close(fake_probability(logits), torch.tensor([0.0, 2.0, -3.0]).double().sigmoid())


def test_the_surest_fakes_do_not_tie():
    """In float32 every gap from 17 on is a score of exactly 1."""
    gaps = torch.arange(-40.0, 36.0)
    scores = fake_probability(torch.stack([torch.zeros_like(gaps), gaps], 1))
    assert (scores.diff() > 0).all()
