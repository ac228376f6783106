"""Cross entropy at every gap between the logits, against sums in float64 in which nothing cancels."""

import math

import pytest
import torch
from torch.nn import functional

from deepfake_adv.ops.losses import cross_entropy, margin

GAPS = [1.0, 5.0, 17.0, 20.0, 50.0, 80.0]


def by_hand(logits, labels):
    """Loss and gradient in float64, in which nothing is subtracted that is nearly equal."""
    losses, gradients = [], []
    for row, label in zip(logits.double().tolist(), labels.tolist(), strict=True):
        odds = [math.exp(value - row[label]) for value in row]  # of each class to the true one
        others = sum(value for place, value in enumerate(odds) if place != label)
        losses.append(math.log1p(others))
        shares = [value / (1 + others) for value in odds]
        shares[label] = -others / (1 + others)
        gradients.append(shares)
    return torch.tensor(losses, dtype=torch.float64), torch.tensor(gradients, dtype=torch.float64)


def found(logits, labels):
    logits = logits.clone().requires_grad_()
    losses = cross_entropy(logits, labels)
    losses.sum().backward()
    return losses.detach(), logits.grad


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("sign", [1, -1])
def test_two_classes_at_every_gap(gap, sign):
    logits, labels = torch.tensor([[sign * gap, 0.0], [0.0, sign * gap]]), torch.tensor([0, 1])
    for ours, exact in zip(found(logits, labels), by_hand(logits, labels), strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours.double(), exact, rtol=3e-6, atol=0)


@pytest.mark.parametrize("gap", GAPS)
def test_a_thousand_classes_at_every_gap(gap):
    logits = torch.randn(4, 1000, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 17, 500, 999])
    logits[range(4), labels] = logits.amax(1) + gap
    for ours, exact in zip(found(logits, labels), by_hand(logits, labels), strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=2e-5, atol=0)


@pytest.mark.parametrize("gap", [104.0, 150.0, 200.0, 1e4])
def test_the_margin_has_its_gradient_where_the_loss_has_none(gap):
    logits = torch.tensor([[gap, 0.0, 1.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(cross_entropy(logits, torch.tensor([0])).sum(), logits)
    assert slope.abs().max() < 1e-37  # float32 holds no less
    (gradient,) = torch.autograd.grad(margin(logits, torch.tensor([0])).sum(), logits)
    torch.testing.assert_close(gradient, torch.tensor([[-1.0, 1 / (1 + math.e), math.e / (1 + math.e)]]))


def test_equals_torchs_own_where_that_is_right():
    rng = torch.Generator().manual_seed(1)
    logits = 5 * torch.randn(64, 7, generator=rng, dtype=torch.float64)
    labels = torch.randint(7, (64,), generator=rng)
    expected = functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(cross_entropy(logits, labels), expected, rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(lambda values: cross_entropy(values, labels[:5]), logits[:5].requires_grad_())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_reduced_precision_is_widened_first(dtype):
    logits, labels = torch.tensor([[20.0, 0.0], [1.5, 2.25]], dtype=dtype), torch.tensor([0, 1], dtype=torch.int32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = cross_entropy(logits, labels)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses.double(), by_hand(logits, labels)[0], rtol=3e-6, atol=0)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (torch.zeros(3), torch.zeros(3, dtype=torch.long)),
        (torch.zeros(3, 1), torch.zeros(3, dtype=torch.long)),
        (torch.zeros(3, 2), torch.zeros(2, dtype=torch.long)),
    ],
)
def test_bad_shapes_are_named(logits, labels):
    with pytest.raises(ValueError, match=r"logits must have the shape \(B, classes\) with at least two classes"):
        cross_entropy(logits, labels)
