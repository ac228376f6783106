"""Plays three rounds of a game and saves the players: two_processes.py DEVICES MODE OUTPUT.

Without batch statistics, but in the mode "normalised".
"""

import sys

import torch
from torch import nn
from torch.nn import functional

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.methods.base import Method
from deepfake_adv.params.training import Device, Train
from deepfake_adv.training.setup import make_fabric
from deepfake_adv.training.step import TrainingStep


class ToyDetector(Detector):
    def __init__(self, *, normalised):
        super().__init__()
        layer = nn.Conv2d(3, 4, 3)
        self.body = nn.Sequential(layer, nn.BatchNorm2d(4)) if normalised else layer
        self.head = nn.Linear(4, 2)

    def extract(self, normalised):
        return self.body(normalised).tanh()

    def classify(self, features):
        return self.head(features.mean((2, 3)))


class ToyGame(Method):
    """A 1 x 1 convolution against the detector: in turns, or both from one backward pass."""

    def __init__(self, mode):
        super().__init__()
        self.adversary = nn.Conv2d(3, 3, 1)
        self.joint = mode == "joint"
        self.adversary_steps = 0 if self.joint else 2

    def adversary_loss(self, detector, batch, rng):
        logits = detector(self.adversary(batch.images))
        return -functional.cross_entropy(logits, batch.labels)

    def alter(self, model, frames, rng):
        images = self.adversary(frames.images)
        return Batch(images if self.joint else images.detach(), frames.labels)


def main(devices, mode, output):
    strategy = "ddp" if devices > 1 else "auto"
    device = Device(
        accelerator="cpu", devices=devices, nodes=1, strategy=strategy, channels_last=False, compile=False,
        cache="memory", workers=0, checkpoint_minutes=1, checkpoint_steps=0, dvclive=False,
    )  # fmt: skip
    train = Train(
        seeds=[0], image_size=16, batch_size=16, accumulate=1, epochs=1, sampling="draws", steps_per_epoch=1, pool=1,
        flip=False, optimizer="radam", learning_rate=0.1, adversary_learning_rate=0.05, weight_decay=0.01,
        decay_epochs=1, decay_factor=1, decay_weight_decay=False, early_stop=0, validation_frames=0,
        precision="32-true", sync_batchnorm=True, corrupt="fail",
    )  # fmt: skip
    fabric = make_fabric(device, train.precision)
    torch.manual_seed(0)
    step = TrainingStep(fabric, ToyDetector(normalised=mode == "normalised"), ToyGame(mode), train, seed=0)
    assert fabric.world_size == devices
    rng = torch.Generator().manual_seed(1)
    labels = torch.tensor([0] * 8 + [1] * 8)
    for number in range(3):
        images = torch.rand(16, 3, 16, 16, generator=rng)
        share = slice(fabric.global_rank, None, devices)
        losses = step.run(Batch(images[share], labels[share]), number)
    players = {"detector": step.detector.state_dict(), "adversary": step.method.adversary.state_dict()}
    torch.save({**players, "losses": losses}, f"{output}.{fabric.global_rank}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
