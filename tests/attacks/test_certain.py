"""Attacks on a network that is certain: the steps of float64, whatever the gap between the logits."""

import copy

import pytest
import torch
from torch import nn

from deepfake_adv.attacks.additive import Additive
from deepfake_adv.attacks.ascent import StepRule, ascend
from deepfake_adv.attacks.blur import Blur
from deepfake_adv.attacks.registry import ATTACKS, build_attack
from deepfake_adv.attacks.spatial import Spatial
from deepfake_adv.ops.losses import margin

GAPS = [1, 5, 17, 20, 50, 104, 150, 200]
ARGUMENTS = {"pgd": {"random_start": False}}  # float32 and float64 draw different starts


class Certain(nn.Module):
    """A smooth network; what is added to its logits puts the true one ahead of the next by a gap."""

    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.SiLU(), nn.Conv2d(8, 8, 3, stride=2), nn.SiLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, classes),
        )  # fmt: skip
        self.added = torch.zeros(1)

    def forward(self, images):
        logits = self.body(images)
        return logits + self.added.to(logits.dtype)


def certain(gap, classes):
    """The network, images and labels, in float64."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = Certain(classes).double().eval()
        images = torch.rand(12, 3, 16, 16, dtype=torch.float64)
    labels = torch.arange(12) % classes
    with torch.no_grad():
        logits = network(images)
    true = nn.functional.one_hot(labels, classes)
    network.added = true * (gap - logits + logits.masked_fill(true.bool(), -torch.inf).amax(1, keepdim=True))
    return network, images, labels


def gradient_by_hand(network, attack, images, variable, labels):
    """The cross entropy's gradient for the variable in float64, in which nothing cancels."""
    variable = variable.clone().requires_grad_()
    logits = network(attack.to_image(images, variable))
    true = labels[:, None]
    shares = (logits.detach() - logits.detach().gather(1, true)).exp()
    shares /= shares.sum(1, keepdim=True)
    shares.scatter_(1, true, 0)
    shares.scatter_(1, true, -shares.sum(1, keepdim=True))
    return torch.autograd.grad(logits, variable, shares)[0]


def reference(network, attack, images, labels):
    """The attack's variable, all steps in float64."""
    variable = attack.project(images, attack.initial(images, None)).double()
    for _ in range(attack.steps):
        gradient = gradient_by_hand(network, attack, images, variable, labels)
        variable = attack.project(images, attack.step(variable, gradient))
    return variable


def agreement(ours, exact, start):
    """Least cosine, over the images, between two variables' ways from the start."""
    one, other = ((variable - start).double().flatten(1) for variable in (ours, exact))
    return nn.functional.cosine_similarity(one, other).min().item()


@pytest.mark.parametrize("classes", [2, 1000])
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("name", ATTACKS)
def test_float32_steps_as_float64(name, gap, classes):
    network, images, labels = certain(gap, classes)
    attack = build_attack(name, **ARGUMENTS.get(name, {}))
    exact, start = reference(network, attack, images, labels), attack.initial(images, None)
    single = copy.deepcopy(network).float()
    assert agreement(ascend(attack, single, images.float(), labels).variable, exact, start) > 0.999
    with torch.autocast("cpu", dtype=torch.bfloat16):  # its three digits leave signs of small gradients to chance
        rounded = ascend(attack, single, images.float(), labels).variable
    assert agreement(rounded, exact, start) > 0.98


@pytest.mark.parametrize("rule", StepRule)
@pytest.mark.parametrize("gap", GAPS)
def test_every_rule_steps_as_float64(rule, gap):
    network, images, labels = certain(gap, 2)
    attack = Blur(rule=rule, kernel_size=3)
    exact, start = reference(network, attack, images, labels), attack.initial(images, None)
    result = ascend(attack, copy.deepcopy(network).float(), images.float(), labels)
    if rule == StepRule.RAW:  # of the gradient's own size: from some gap on, less than float32 holds beside the start
        torch.testing.assert_close(result.variable.double(), exact, rtol=0, atol=1e-7)
    else:
        assert agreement(result.variable, exact, start) > 0.999


@pytest.mark.parametrize("gap", [1, 17, 20, 50, 80])
def test_a_raw_steps_gradient_has_the_loss_own_size(gap, monkeypatch):
    network, images, labels = certain(gap, 2)
    attack, seen = Additive(rule=StepRule.RAW), []
    exact = gradient_by_hand(network, attack, images, images, labels)
    monkeypatch.setattr(Additive, "step", lambda self, variable, gradient: seen.append(gradient) or variable)
    ascend(attack, copy.deepcopy(network).float(), images.float(), labels)
    for ours, theirs in zip(seen[0].double(), exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3 * theirs.abs().max().item())


@pytest.mark.parametrize("rule", [StepRule.RELATIVE, StepRule.L2, StepRule.SIGN])
def test_the_penalty_does_not_outweigh_a_certain_image(rule):
    """Beside a vanishing cross entropy, the flow's roughness would be all that the second step sees."""
    network, images, labels = certain(150, 2)
    single, images = copy.deepcopy(network).float(), images.float()
    made = [ascend(Spatial(epsilon=0.2, steps=4, rule=rule, tau=tau), single, images, labels) for tau in (0, 1e-3)]
    with torch.no_grad():
        free, smoothed = (150 + margin(single(each.images), labels) for each in made)
    assert (free > 0).all()
    assert (smoothed > 0.5 * free).all()
