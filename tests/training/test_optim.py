import pytest
import torch
from torch import nn

from deepfake_adv.training.optim import StepDecay, _buckets, build_optimizer


def trace(epochs, *, weight_decay):
    optimizers = [
        build_optimizer("radam", nn.Linear(2, 2).parameters(), learning_rate=rate, weight_decay=5e-4)
        for rate in (5e-4, 2e-3)
    ]
    schedule = StepDecay(optimizers, every=10, factor=0.1, weight_decay=weight_decay)
    for epoch in range(epochs):
        schedule.set_epoch(epoch)
        yield schedule.rates(), optimizers[0].param_groups[0]["weight_decay"]


def test_the_papers_learning_rates_fall_tenfold_every_ten_epochs():
    rates = [found for found, _ in trace(30, weight_decay=False)]
    for epoch, (detector, generator) in enumerate(rates):
        scale = (1, 0.1, 0.01)[epoch // 10]
        assert detector == pytest.approx(5e-4 * scale)
        assert generator == pytest.approx(2e-3 * scale)


def test_weight_decay_follows_only_if_configured():
    assert {decay for _, decay in trace(30, weight_decay=False)} == {5e-4}
    last = [decay for _, decay in trace(30, weight_decay=True)][-1]
    assert last == pytest.approx(5e-6)


def test_a_schedule_set_twice_is_set_once():
    optimizer = build_optimizer("adamw", nn.Linear(2, 2).parameters(), learning_rate=1.0, weight_decay=0)
    schedule = StepDecay([optimizer], every=1, factor=0.5, weight_decay=False)
    for epoch in (3, 3, 1):
        schedule.set_epoch(epoch)
    assert schedule.rates() == [0.5]


def test_weight_decay_is_decoupled_from_the_gradient():
    weight = nn.Parameter(torch.ones(3))
    optimizer = build_optimizer("radam", [weight], learning_rate=0.1, weight_decay=0.5)
    weight.grad = torch.zeros(3)
    optimizer.step()
    assert torch.allclose(weight, torch.full((3,), 1 - 0.1 * 0.5))  # coupled decay would go through the moments


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="optimizer must be one of radam, adamw"):
        build_optimizer("sgd", [], learning_rate=1, weight_decay=0)


def test_buckets_hold_every_gradient_once_in_order_and_within_size():
    gradients = [torch.zeros(size, dtype=kind) for size, kind in [(3, torch.float32), (5, torch.float32),
                 (1, torch.float64), (100, torch.float64), (2, torch.float64)]]  # fmt: skip
    buckets = _buckets(gradients, 40)
    assert [id(g) for bucket in buckets for g in bucket] == [id(g) for g in gradients]
    assert [len(bucket) for bucket in buckets] == [2, 1, 1, 1]


def test_a_schedule_outlives_a_state_that_is_loaded():
    optimizer = build_optimizer("radam", nn.Linear(2, 2).parameters(), learning_rate=1.0, weight_decay=0)
    schedule = StepDecay([optimizer], every=1, factor=0.5, weight_decay=False)
    optimizer.load_state_dict(optimizer.state_dict())
    schedule.set_epoch(1)
    assert optimizer.param_groups[0]["lr"] == 0.5
