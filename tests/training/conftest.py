"""Recipes small enough to train in a moment."""

import pytest

from deepfake_adv.names import Condition
from deepfake_adv.params.training import Device, Train
from deepfake_adv.training.setup import Plan

RECIPE = {
    "seeds": [0], "image_size": 16, "batch_size": 8, "accumulate": 1, "epochs": 2, "sampling": "draws",
    "steps_per_epoch": 3, "pool": 8, "flip": True, "optimizer": "radam", "learning_rate": 0.01,
    "adversary_learning_rate": 0.002, "weight_decay": 0.001, "decay_epochs": 1, "decay_factor": 0.1,
    "decay_weight_decay": False, "early_stop": 0, "validation_frames": 2, "precision": "32-true",
    "sync_batchnorm": True, "corrupt": "fail",
}  # fmt: skip
PLACE = {
    "accelerator": "cpu", "devices": 1, "nodes": 1, "strategy": "auto", "channels_last": True, "compile": False,
    "cache": "memory", "workers": 0, "checkpoint_minutes": 60, "checkpoint_steps": 0, "dvclive": False,
}  # fmt: skip
GENERATOR = {"blocks": 1, "width": 4}


@pytest.fixture
def make_train():
    return lambda **changes: Train(**RECIPE | changes)


@pytest.fixture
def make_device():
    return lambda **changes: Device(**PLACE | changes)


@pytest.fixture
def make_plan(make_train):
    def make(method=None, detector=None, conditions=("NT_c23",), **changes):
        return Plan(
            "tiny",
            tuple(map(Condition.parse, conditions)),
            {"name": "compact", "width": 4, **(detector or {})},
            method or {"name": "two_gen_bat", "kernel_size": 3, "generator": GENERATOR},
            make_train(**changes),
        )

    return make
