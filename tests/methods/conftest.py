"""A toy game: fakes carry a checkerboard, which a small detector finds and a blur removes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector, TrainingTerms
from deepfake_adv.methods.base import Method, StepLoss
from deepfake_adv.methods.registry import METHODS, build_method

SIZE = 24


class Toy(Detector):
    """Two convolutions; smooth, so that golden values do not hang on a kink."""

    feature_channels = 6

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, stride=2),
            nn.BatchNorm2d(6),
            nn.SiLU(),
            nn.Conv2d(6, 6, 3, padding=1),
            nn.SiLU(),
        )
        self.head = nn.Linear(6, 2)

    def extract(self, normalised: Tensor) -> Tensor:
        return self.body(normalised)

    def classify(self, features: Tensor) -> Tensor:
        return self.head(features.mean((2, 3)))


class ToyMasked(Toy):
    """Learns the masks too."""

    needs_masks = True

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        features = self.features(images)
        assert masks is not None
        found = nn.functional.interpolate(features[:, :1].sigmoid(), masks.shape[2:])
        return TrainingTerms(self.classify(features), features, {"mask": (found - masks).abs().mean()})


class ToyClips(Toy):
    """Mean of the frames' logits."""

    clip_length = 2

    def features(self, images: Tensor) -> Tensor:
        return super().features(images.flatten(0, 1))

    def classify(self, features: Tensor) -> Tensor:
        return super().classify(features).unflatten(0, (-1, self.clip_length)).mean(1)


DETECTORS: dict[str, type[Toy]] = {"plain": Toy, "masked": ToyMasked, "clips": ToyClips}


def face(size: int) -> Tensor:
    """68 landmarks at about their places; only the points that regions are drawn from are exact."""
    points = torch.rand(68, 2, generator=torch.Generator().manual_seed(5)) * 0.8 + 0.1
    known = {
        36: (0.25, 0.4),
        39: (0.42, 0.4),
        42: (0.58, 0.4),
        45: (0.75, 0.4),
        33: (0.5, 0.6),
        48: (0.35, 0.78),
        54: (0.65, 0.78),
    }
    for index, place in known.items():
        points[index] = torch.tensor(place)
    return points * size


def toy_batch(*, clip: int | None = None, dtype: torch.dtype = torch.float32, size: int = SIZE, seed: int = 0) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    labels = torch.tensor([0, 1, 1, 0, 0, 1])
    lead = (6,) if clip is None else (6, clip)
    coarse = torch.rand(6 * (clip or 1), 3, 4, 4, generator=rng, dtype=torch.float64)
    images = nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1).view(*lead, 3, size, size)
    board = (torch.arange(size)[:, None] + torch.arange(size)) % 2 - 0.5
    images = (0.2 + 0.6 * images + 0.2 * board * labels.view(-1, *[1] * (images.ndim - 1))).clamp(0, 1)
    masks = torch.zeros(*lead, 1, size, size, dtype=dtype)
    masks[labels == 1, ..., size // 4 : size // 2, size // 4 : size // 2] = 1
    landmarks = face(size).expand(*lead, 68, 2) + torch.rand(*lead, 1, 2, generator=rng)
    return Batch(images.to(dtype), labels, masks, landmarks.to(dtype), torch.arange(6))


@dataclass
class Game:
    """Everything that a training run holds."""

    detector: Toy
    method: Method
    batch: Batch
    optimisers: list[torch.optim.Optimizer]
    rng: torch.Generator

    def step(self) -> StepLoss:
        """What the training loop does with a method."""
        mine = self.optimisers[1:]
        for _ in range(self.method.adversary_steps):
            mine[0].zero_grad()
            self.method.adversary_loss(self.detector, self.batch, self.rng).backward()
            mine[0].step()
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss = self.method.detector_loss(self.detector, self.batch, self.rng)
        loss.total.backward()
        for optimiser in self.optimisers if self.method.joint else self.optimisers[:1]:
            optimiser.step()
        return loss

    def altered(self, detector: Toy | None = None, batch: Batch | None = None) -> Tensor:
        """The images that the detector, or another one, would train on."""
        altered = self.method.altered(detector or self.detector, batch or self.batch, self.rng)
        return altered.images.detach()

    def state(self) -> dict[str, Any]:
        return {
            "detector": self.detector.state_dict(),
            "method": self.method.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "rng": self.rng.get_state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.detector.load_state_dict(state["detector"])
        self.method.load_state_dict(state["method"])
        for optimiser, values in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(values)
        self.rng.set_state(state["rng"])


def make_game(
    name: str, *, detector: str = "plain", dtype: torch.dtype = torch.float32, seed: int = 0, **arguments: Any
) -> Game:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DETECTORS[detector]().to(dtype)
    method = build_method(name, seed=seed, **{**METHODS[name].tiny[0], **arguments})
    method.attach(model)
    method.to(dtype)
    sides = [] if method.detector_side is None else list(method.detector_side.parameters())
    optimisers: list[torch.optim.Optimizer] = [torch.optim.Adam([*model.parameters(), *sides], 1e-2)]
    if method.adversary is not None:
        optimisers.append(torch.optim.Adam(method.adversary.parameters(), 5e-3))
    batch = toy_batch(clip=model.clip_length if model.clip_length > 1 else None, dtype=dtype)
    return Game(model, method, batch, optimisers, torch.Generator().manual_seed(seed))


@pytest.fixture
def game() -> Callable[..., Game]:
    return make_game


@pytest.fixture
def batch() -> Callable[..., Batch]:
    return toy_batch
