import shutil
from copy import deepcopy

import pytest
import torch
from lightning_fabric import Fabric

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.training.setup import build_players
from deepfake_adv.training.step import TrainingStep, check_shares, derived_seed, split, synchronise

GENERATOR = {"blocks": 1, "width": 4}
METHODS = {
    "baseline": {"name": "baseline"},
    "alternating": {"name": "two_gen_bat", "kernel_size": 3, "generator": GENERATOR},
    "reversal": {"name": "two_gen_bat", "kernel_size": 3, "generator": GENERATOR, "update": "reversal"},
}


@pytest.fixture(scope="module")
def fabric():
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(0)
    labels = torch.tensor([0] * 4 + [1] * 4)
    return Batch(torch.rand(8, 3, 16, 16, generator=rng), labels, rows=torch.arange(8))


@pytest.fixture
def make_step(fabric, make_plan):
    def make(method="alternating", *, seed=0, **changes):
        plan = make_plan(METHODS[method], **changes)
        return TrainingStep(fabric, *build_players(plan, seed), plan.train, seed=seed)

    return make


def weights(module):
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


@pytest.mark.parametrize("method", METHODS)
def test_a_step_moves_each_player_with_its_own_rate(make_step, batch, method):
    step = make_step(method, optimizer="adamw", learning_rate=1e-2, adversary_learning_rate=1e-3, weight_decay=0)
    players = [step.detector] + [step.method.adversary] * (step.method.adversary is not None)
    before = [weights(player) for player in players]
    losses = step.run(batch, 0)
    for player, old, rate in zip(players, before, (1e-2, 1e-3), strict=False):
        moved = (weights(player) - old).abs()
        assert moved.max() == pytest.approx(rate, rel=0.05)  # the first step of Adam is one rate long
    assert losses["loss"].isfinite()
    assert ("adversary" in losses) == (method == "alternating")


def test_the_detectors_step_leaves_an_alternating_adversary_alone(make_step, batch):
    step = make_step()
    step.method.adversary_steps = 0
    before = weights(step.method.adversary)
    step.run(batch, 0)
    assert torch.equal(weights(step.method.adversary), before)


@pytest.mark.parametrize("method", METHODS)
def test_a_step_is_a_function_of_seed_and_number(make_step, batch, method):
    found = []
    for _ in range(2):
        torch.manual_seed(len(found))  # what came before does not matter
        step = make_step(method)
        found.append([step.run(batch, number)["loss"].item() for number in (5, 6)])
    assert found[0] == found[1]


def test_restored_players_go_on_bit_for_bit(make_step, batch):
    step = make_step()
    step.run(batch, 0)
    other = make_step(seed=1)
    other.seed = step.seed
    other.load_state_dict(deepcopy(step.state_dict()))
    for number in (1, 2):
        assert step.run(batch, number)["loss"] == other.run(batch, number)["loss"]
    assert torch.equal(weights(step.method), weights(other.method))


def test_a_method_may_have_a_rate_of_its_own(make_step, fabric, make_plan):
    sladd = {"name": "sladd", "synthesizer": {"width": 4}, "adversary_learning_rate": 3e-5}
    plan = make_plan(sladd, learning_rate=1e-2, adversary_learning_rate=1e-3)
    rates = TrainingStep(fabric, *build_players(plan, 0), plan.train, seed=0).schedule.rates()
    assert rates == [1e-2, 3e-5]
    assert make_step(learning_rate=1e-2, adversary_learning_rate=1e-3).schedule.rates() == [1e-2, 1e-3]


def test_accumulated_parts_give_the_whole_batchs_gradient(make_step, batch):
    gradients = []
    for parts in (1, 2):
        step = make_step("baseline", accumulate=parts, optimizer="adamw")
        for layer in step.detector.modules():  # a part has batch statistics of its own
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.track_running_stats, layer.forward = False, torch.nn.Identity().forward
        step.run(batch, 0)
        gradients.append(torch.cat([p.grad.flatten() for p in step.detector.parameters() if p.grad is not None]))
    assert torch.allclose(*gradients, atol=1e-7)


def test_parts_are_balanced_and_hold_every_sample_once(batch):
    parts = split(batch, 2)
    assert [part.labels.tolist() for part in parts] == [[0, 0, 1, 1]] * 2
    assert sorted(torch.cat([part.rows for part in parts]).tolist()) == list(range(8))


def test_memory_that_runs_out_says_what_to_lower(make_step, batch, monkeypatch):
    step = make_step("baseline")

    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(step, "_run", full)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 4 * 2**30))
    with pytest.raises(RuntimeError, match=r"8 images of 16 px .* 3\.0 of 4\.0 GiB\. Raise train\.accumulate"):
        step.run(batch, 0)


@pytest.mark.parametrize("name", ["compact", "timm:efficientnet_b0"])
def test_synchronised_batch_norm_takes_over_every_layer_and_its_weights(name):
    detector = build_detector(name, **({"pretrained": False} if name.startswith("timm") else {})).eval()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    turned = synchronise(deepcopy(detector))
    layers = [layer for layer in turned.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    assert layers
    assert all(isinstance(layer, torch.nn.SyncBatchNorm) for layer in layers)
    assert turned.state_dict().keys() == detector.state_dict().keys()
    torch.testing.assert_close(turned(images), detector(images))


@pytest.mark.parametrize(("batch_size", "world", "accumulate"), [(32, 3, 1), (32, 8, 4), (6, 1, 2)])
def test_a_batch_that_cannot_be_shared_is_refused(batch_size, world, accumulate):
    check_shares(2 * world * accumulate, world, accumulate)
    with pytest.raises(ValueError, match=r"train\.batch_size must be a multiple of .*Set it to"):
        check_shares(batch_size, world, accumulate)


def test_derived_seeds_differ_in_each_number():
    seeds = {derived_seed(a, b, c) for a in range(3) for b in range(3) for c in range(3)}
    assert len(seeds) == 27


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="torch.compile needs a C++ compiler")
def test_a_compiled_detector_learns_the_same(fabric, make_plan, batch):
    losses = []
    for compiled in (False, True):
        plan = make_plan(METHODS["alternating"])
        step = TrainingStep(fabric, *build_players(plan, 0), plan.train, seed=0, compiled=compiled)
        losses.append([step.run(batch, number)["loss"].item() for number in range(3)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
