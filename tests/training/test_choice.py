"""Which weights a run leaves, and what averaged ones are."""

import csv
import json

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.training.averaging import WeightAverage, first_averaged
from deepfake_adv.training.run import train_run
from deepfake_adv.training.setup import build_players
from deepfake_adv.training.step import TrainingStep
from deepfake_adv.training.trainer import Trainer
from deepfake_adv.training.validate import Validation

GENERATIVE = {"name": "two_gen_bat", "kernel_size": 3, "generator": {"blocks": 1, "width": 4}}


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.fixture
def train(shards, tmp_path, make_device):
    def go(plan, output="out", **place):
        train_run(plan, shards, tmp_path / output, device=make_device(**place), work=tmp_path / "work")
        folder = tmp_path / output / "NT_c23/seed0"
        return folder, json.loads((folder / "run.json").read_text())

    return go


@pytest.fixture
def seen(monkeypatch):
    """Weights of both players after each step."""
    steps = []
    run = TrainingStep.run

    def watched(self, batch, number):
        losses = run(self, batch, number)
        players = self.detector, self.method.adversary
        steps.append([{k: v.detach().clone() for k, v in player.state_dict().items()} for player in players])
        return losses

    monkeypatch.setattr(TrainingStep, "run", watched)
    return steps


def test_the_last_epochs_weights(train, make_plan, seen, monkeypatch):
    scores = iter([(0.9, 0.9), (0.6, 0.5)])  # the best is another
    monkeypatch.setattr(Trainer, "validate", lambda self: Validation(*next(scores)))
    folder, record = train(make_plan(GENERATIVE, checkpoint="last"))
    for name, state in zip(("detector", "generator"), seen[-1], strict=True):
        left = load_file(folder / f"{name}.safetensors")
        assert all(torch.equal(left[key], value) for key, value in state.items())
    assert record["weights"] == {"checkpoint": "last", "epoch": 1, "accuracy": 0.6, "auc": 0.5}
    assert record["best"]["epoch"] == 0


def test_the_best_epochs_weights(train, make_plan, seen, monkeypatch):
    scores = iter([(0.9, 0.9), (0.6, 0.5)])
    monkeypatch.setattr(Trainer, "validate", lambda self: Validation(*next(scores)))
    folder, record = train(make_plan(GENERATIVE))
    left = load_file(folder / "detector.safetensors")
    assert all(torch.equal(left[key], value) for key, value in seen[2][0].items())
    assert record["weights"] == {"checkpoint": "best", "epoch": 0, "accuracy": 0.9, "auc": 0.9}


def test_averaged_weights_are_the_mean_of_the_last_steps(train, make_plan, seen):
    plan = make_plan(GENERATIVE, checkpoint="averaged", averaged_share=0.6, steps_per_epoch=5)  # 6 of 10 steps
    folder, record = train(plan)
    left = load_file(folder / "detector.safetensors")
    names = [name for name, _ in build_players(plan, 0)[0].named_parameters()]
    for name in names:
        mean = torch.stack([state[0][name].double() for state in seen[4:]]).mean(0)
        torch.testing.assert_close(left[name].double(), mean, rtol=1e-5, atol=1e-7)
    generator = load_file(folder / "generator.safetensors")
    assert all(torch.equal(generator[key], value) for key, value in seen[-1][1].items())
    rows = list(csv.DictReader((folder / "log.csv").open(encoding="utf-8")))
    assert len(rows) == plan.train.epochs
    assert record["weights"]["checkpoint"] == "averaged"
    assert record["weights"]["steps"] == 6
    assert 0 <= record["weights"]["accuracy"] <= 1


@pytest.mark.parametrize("step", [2, 4, 6])
def test_a_run_that_dies_leaves_the_same_average(train, make_plan, monkeypatch, step):
    plan = make_plan(GENERATIVE, checkpoint="averaged", averaged_share=0.7)
    whole, _ = train(plan, "whole", checkpoint_steps=1)
    run = Trainer.run

    def stop(done):
        if done == step:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", lambda self: run(self, after_step=stop))
        with pytest.raises(Killed):
            train(plan, "resumed", checkpoint_steps=1)
    resumed, _ = train(plan, "resumed", checkpoint_steps=1)
    for path in whole.iterdir():
        assert path.read_bytes() == (resumed / path.name).read_bytes()


def test_a_run_that_dies_as_it_averages_averages_again(train, make_plan, monkeypatch):
    plan = make_plan(GENERATIVE, checkpoint="averaged")
    whole, _ = train(plan, "whole")

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_finish", killed)  # the averaged weights are written already
        with pytest.raises(Killed):
            train(plan, "resumed")
    resumed, _ = train(plan, "resumed")
    for path in whole.iterdir():
        assert path.read_bytes() == (resumed / path.name).read_bytes()


@pytest.mark.parametrize("method", ["baseline", "grad_bat", "two_gen_bat"])
def test_refreshed_statistics_are_the_mean_over_batches_of_training(make_plan, method):
    given = GENERATIVE if method == "two_gen_bat" else {"name": method}
    plan = make_plan(given, image_size=24)
    step = TrainingStep(Fabric(accelerator="cpu", devices=1), *build_players(plan, 0), plan.train, seed=0)
    rng = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 0, 1, 1])
    batches = [Batch(torch.rand(4, 3, 24, 24, generator=rng), labels) for _ in range(3)]
    layer = next(layer for layer in step.detector.modules() if isinstance(layer, nn.BatchNorm2d))
    momentum, passed = layer.momentum, []

    def keep(module, inputs):
        if module.training:
            passed.append(inputs[0].detach().mean((0, 2, 3)))

    weights = [weight.detach().clone() for weight in step.detector.parameters()]
    layer.register_forward_pre_hook(keep)
    step.refresh_statistics(batches, 7)
    assert len(passed) == 3
    torch.testing.assert_close(layer.running_mean, torch.stack(passed).mean(0))
    assert layer.momentum == momentum
    assert all(torch.equal(old, new) for old, new in zip(weights, step.detector.parameters(), strict=True))


def test_an_average_restored_goes_on():
    layer = nn.Linear(2, 1)
    whole, first = WeightAverage(layer, 2), WeightAverage(layer, 2)
    expected = []
    for step in range(1, 6):
        with torch.no_grad():
            layer.weight.fill_(step**2)
        whole.update(step)
        first.update(step)
        second = WeightAverage(layer, 2)
        second.load_state_dict(first.state_dict())
        first = second
        expected += [step**2] * (step >= 2)
    first.apply()
    torch.testing.assert_close(layer.weight, torch.full((1, 2), sum(expected) / len(expected)))


@pytest.mark.parametrize(("steps", "share", "first"), [(10, 0.5, 6), (10, 1.0, 1), (3, 0.01, 3), (300, 0.25, 226)])
def test_the_share_is_of_the_last_steps(steps, share, first):
    assert first_averaged(steps, share) == first


def test_an_average_needs_the_whole_training(make_plan):
    with pytest.raises(ValueError, match="early_stop must be 0 where checkpoint is averaged"):
        make_plan(checkpoint="averaged", early_stop=1)
