"""The ascent loop: step rules, bounds, hand-computed steps, state and complaints."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepfake_adv.attacks.additive import Additive, Pgd
from deepfake_adv.attacks.ascent import Loss, ascend, direction, frozen_eval
from deepfake_adv.attacks.blur import Blur
from deepfake_adv.attacks.spatial import Spatial
from deepfake_adv.ops.warp import flow_smoothness


class Explodes(nn.Module):
    def __init__(self, trouble):
        super().__init__()
        self.layer = nn.Linear(12, 3)
        self.trouble = trouble

    def forward(self, images):
        return self.trouble(self.layer(images.flatten(1)))


def fail(_):
    raise RuntimeError("broken")


def test_fgsm_equals_hand_computation():
    # Two classes, logits (0, w . x): the gradient of the loss is sign(w) for label 0 and -sign(w) for label 1.
    weights = torch.linspace(-1, 1, 12, dtype=torch.float64)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, bias=False)).double()
    with torch.no_grad():
        model[1].weight.copy_(torch.stack([torch.zeros(12), weights]))
    images, labels = torch.full((2, 3, 2, 2), 0.5, dtype=torch.float64), torch.tensor([0, 1])
    images[0, 0, 0, 0] = 0.01
    result = ascend(Additive(epsilon=0.1), model, images, labels)
    signs = torch.stack([weights.sign(), -weights.sign()]).view_as(images)
    assert torch.equal(result.images, (images + 0.1 * signs).clamp(0, 1))
    assert result.images[0, 0, 0, 0] == 0


def test_float16_loses_no_small_gradients(batch):
    """A confident model's gradients are below what float16 can hold; the sign step needs them all the same."""
    torch.manual_seed(0)
    images, labels = batch[0].float(), torch.zeros(len(batch[0]), dtype=torch.long)
    model = nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), 2))
    with torch.no_grad():
        model[1].weight.mul_(0.1)
        model[1].bias.copy_(torch.tensor([12.0, 0.0]))
    exact = ascend(Additive(epsilon=0.01), model, images, labels)
    assert exact.loss_before.max() < 1e-4
    with torch.autocast("cpu", dtype=torch.float16):
        rounded = ascend(Additive(epsilon=0.01), model, images, labels)
    assert (exact.images - images).count_nonzero() > 0.9 * images.numel()
    assert ((rounded.images - images).sign() == (exact.images - images).sign()).float().mean() > 0.99


@pytest.mark.parametrize("steps", [1, 4])
def test_pgd_stays_in_each_images_own_ball(steps, classifier, batch):
    images, labels = batch
    epsilon = 6 / 255
    attack = Pgd(epsilon=epsilon, steps=steps, step_size=epsilon)
    result = ascend(attack, classifier, images, labels, rng=torch.Generator().manual_seed(0))
    assert (result.images - images).abs().max() <= epsilon + 1e-6
    # The release clips the fake half's perturbation with the real images: the halves must not know each other.
    halves = [ascend(Additive(steps=3), classifier, images[part], labels[part]) for part in (slice(4), slice(4, 9))]
    whole = ascend(Additive(steps=3), classifier, images, labels)
    torch.testing.assert_close(torch.cat([half.images for half in halves]), whole.images, rtol=0, atol=1e-6)
    assert ((whole.images - images).abs().amax((1, 2, 3)) > 0.5 / 255).all()


def test_pgd_starts_at_random_within_the_ball(batch):
    attack = Pgd(epsilon=0.1)
    start = attack.project(batch[0], attack.initial(batch[0], torch.Generator().manual_seed(0)))
    assert 0.09 < (start - batch[0]).abs().max() <= 0.1 + 1e-6
    assert attack.size == pytest.approx(2.5 * 0.1 / 3)


def test_raw_blur_step_equals_autograd_by_hand():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ).double()
    images, labels = torch.rand(2, 3, 9, 9, dtype=torch.float64), torch.tensor([2, 0])
    sigma = torch.ones(2, 1, 9, 9, dtype=torch.float64, requires_grad=True)
    padded, total, weights = functional.pad(images, [1] * 4, mode="reflect"), 0, 0
    for u in (-1, 0, 1):
        for v in (-1, 0, 1):
            weight = torch.exp(-(u * u + v * v) / 2 * sigma**2)
            total = total + weight * padded[..., 1 + u : 10 + u, 1 + v : 10 + v]
            weights = weights + weight
    losses = functional.cross_entropy(model(total / weights), labels, reduction="none")
    (gradient,) = torch.autograd.grad(losses.sum(), sigma)
    result = ascend(Blur(epsilon=10.0, rule="raw", kernel_size=3), model, images, labels)
    torch.testing.assert_close(result.variable, (1 + 10 * gradient).clamp_min(0), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(result.loss_before, losses.detach())


def test_raw_blur_is_clamped_at_zero(classifier, batch):
    result = ascend(Blur(epsilon=1e6, rule="raw"), classifier, *batch)
    assert result.variable.min() == 0
    assert torch.isfinite(result.images).all()


def test_relative_step_moves_by_epsilon_of_the_start(classifier, batch):
    result = ascend(Blur(epsilon=0.05, start=2.0), classifier, *batch)
    moved = (result.variable - 2).abs()
    assert result.variable.shape == (9, 1, 16, 16)
    torch.testing.assert_close(moved.mean((1, 2, 3)), torch.full((9,), 0.1), rtol=0.01, atol=0)


def test_many_steps_ascend_further_than_one(classifier, batch):
    one = ascend(Blur(), classifier, *batch, measure=True)
    many = ascend(Blur(steps=4), classifier, *batch, measure=True)
    assert many.loss_after.mean() > one.loss_after.mean()
    assert torch.equal(one.images, ascend(Blur(steps=1), classifier, *batch).images)


def test_bounds_hold(classifier, batch):
    bounded = ascend(Blur(steps=3, bound=0.25, start=0.8, kernel_size=5), classifier, *batch)
    assert (bounded.variable - 0.8).abs().max() <= 0.2 + 1e-6
    flow = ascend(Spatial(epsilon=1.0, steps=3, bound=0.7), classifier, *batch).variable
    assert flow.abs().max() <= 0.7 + 1e-6


def test_smoothness_penalty_smooths(classifier, batch):
    rough, smooth = (ascend(Spatial(steps=5, tau=tau), classifier, *batch).variable for tau in (0.0, 100.0))
    assert flow_smoothness(smooth).mean() < flow_smoothness(rough).mean()


def test_directions():
    gradient = torch.tensor([[3.0, -4.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1e-30, 0, 0, -1e-30]])
    assert torch.equal(direction(gradient, "raw", 2.0), gradient)
    assert torch.equal(direction(gradient, "sign", 2.0), gradient.sign())
    torch.testing.assert_close(direction(gradient, "relative", 2.0)[0], gradient[0])
    torch.testing.assert_close(direction(gradient, "l2", 2.0).norm(dim=1), torch.tensor([1.0, 0.0, 1.0]))
    assert not direction(gradient, "relative", 1.0)[1].any()


def test_frozen_eval_restores_after_exceptions():
    model = Explodes(fail)
    model.layer.weight.requires_grad_(False)
    model.layer.eval()
    with pytest.raises(RuntimeError, match="broken"):
        ascend(Additive(), model, torch.rand(2, 3, 2, 2), torch.tensor([0, 1]))
    assert model.training
    assert not model.layer.training
    assert [weight.requires_grad for weight in model.parameters()] == [False, True]
    with frozen_eval(model):
        assert not any(module.training for module in model.modules())
        assert not any(weight.requires_grad for weight in model.parameters())


def test_own_loss_is_ascended(classifier, batch):
    images, labels = batch

    def true_logit(logits, labels):
        return -logits.gather(1, labels[:, None])[:, 0]

    result = ascend(Additive(epsilon=0.03), classifier, images, labels, loss=Loss(true_logit), measure=True)
    assert (result.loss_after > result.loss_before).all()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.rand(3, 2, 2), torch.tensor([0, 1]), "images must have the shape"),
        (torch.rand(2, 3, 2, 2) * 2 - 1.5, torch.tensor([0, 1]), r"images must be within \[0, 1\]"),
        (torch.full((2, 3, 2, 2), torch.nan), torch.tensor([0, 1]), "images must be finite"),
        (torch.rand(2, 3, 2, 2), torch.tensor([0.0, 1.0]), "labels must be integers"),
        (torch.rand(2, 3, 2, 2), torch.tensor([0]), r"labels must be integers of the shape \(B,\)"),
    ],
)
def test_bad_batch_is_named(images, labels, message):
    with pytest.raises(ValueError, match=message):
        ascend(Additive(), Explodes(lambda logits: logits), images, labels)


def test_bad_model_and_loss_are_named():
    images, labels = torch.rand(2, 3, 2, 2), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="model must return logits"):
        ascend(Additive(), Explodes(lambda logits: logits[:, 0]), images, labels)
    with pytest.raises(ValueError, match="at least two classes"):
        ascend(Additive(), Explodes(lambda logits: logits[:, :1]), images, labels)
    with pytest.raises(ValueError, match="loss must return one value per image"):
        ascend(Additive(), Explodes(lambda logits: logits), images, labels, loss=Loss(functional.cross_entropy))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Additive(epsilon=0.0), "epsilon: input should be greater than 0; got 0"),
        (lambda: Additive(epsilon=float("nan")), "epsilon: "),
        (lambda: Additive(step_size=-1), "step_size: "),
        (lambda: Additive(steps=0), "steps: input should be "),
        (lambda: Pgd(steps=1.5), "steps must be a whole number; got 1.5"),
        (lambda: Blur(rule="sgn"), "rule: input should be 'raw', 'relative', 'sign' or 'l2'; got 'sgn'"),
        (lambda: Blur(start=0), "start: "),
        (lambda: Blur(bound=-0.1), "bound: "),
        (lambda: Spatial(tau=-1), "tau: input should be greater than or equal to 0; got -1"),
        (lambda: Spatial(bound=0), "bound: "),
    ],
)
def test_bad_parameters_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
