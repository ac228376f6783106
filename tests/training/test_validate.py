from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.training.validate import Validation, area_under_curve, fake_probabilities, judge


@pytest.mark.parametrize("levels", [3, 1000])
def test_auc_counts_pairs_with_ties_as_half(levels):
    rng = np.random.default_rng(levels)
    real, fake = rng.integers(0, levels, 40) / levels, rng.integers(0, levels, 60) / levels
    pairs = (fake[:, None] > real).mean() + (fake[:, None] == real).mean() / 2
    assert area_under_curve(real, fake) == pytest.approx(pairs, abs=1e-12)


def test_accuracy_weighs_the_classes_alike():
    scores, labels = [0.9, 0.2, 0.7, 0.8, 0.9], [0, 0, 1, 1, 1]
    assert judge(scores, labels).accuracy == pytest.approx((0.5 + 1) / 2)


def test_a_score_of_exactly_one_half_is_real():
    assert judge([0.5, 0.5], [0, 1]).accuracy == 0.5
    assert judge([0.5, 0.6], [0, 1]).accuracy == 1


def test_scores_that_are_not_finite_are_wrong_for_both_classes():
    scores, labels = [float("nan"), 0.2, 0.7, float("inf"), float("nan")], [0, 0, 1, 1, 1]
    assert judge(scores, labels) == judge([1, 0.2, 0.7, 0, 0], labels)


def test_the_better_validation_is_the_greater():
    assert Validation(0.9, 0.5) > Validation(0.8, 0.9)
    assert Validation(0.9, 0.6) > Validation(0.9, 0.5)


def test_scoring_is_in_eval_mode_and_restores_the_mode():
    class Probe(nn.Module):
        def forward(self, images):
            assert not self.training
            return torch.stack([-images.mean((1, 2, 3)), images.mean((1, 2, 3))], 1)

    images = torch.rand(5, 3, 4, 4)
    ones = torch.ones(3, dtype=torch.int64)
    batches = [Batch(part, ones[: len(part)], rows=torch.arange(len(part))) for part in images.split(3)]
    probe = Probe().train()
    scores, labels, rows = fake_probabilities(probe, batches, nullcontext)
    assert probe.training
    assert torch.allclose(scores, torch.sigmoid(2 * images.double().mean((1, 2, 3))))
    assert labels.tolist() == [1] * 5
    assert rows.tolist() == [0, 1, 2, 0, 1]
