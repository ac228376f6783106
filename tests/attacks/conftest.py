"""A small classifier that has learnt three textures, for attacks to attack."""

import pytest
import torch
from torch import nn


def textures(count, rng, dtype=torch.float32):
    """Draw images of three classes that differ in fine texture: none, horizontal and vertical stripes."""
    labels = torch.arange(count) % 3
    images = 0.5 + 0.1 * torch.randn(count, 3, 16, 16, generator=rng)
    stripes = 0.15 * (2 * (torch.arange(16) % 2) - 1)
    images = images + (labels == 1)[:, None, None, None] * stripes[:, None]
    images = images + (labels == 2)[:, None, None, None] * stripes
    return images.clamp(0, 1).to(dtype), labels


@pytest.fixture(scope="session")
def classifier():
    """Return the classifier in training mode, with one frozen weight: attacks must leave both as they are."""
    rng = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 3),
        )  # fmt: skip
        optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(60):
            images, labels = textures(24, rng)
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimiser.step()
    model[0].bias.requires_grad_(False)
    model[1].eval()
    return model


@pytest.fixture
def batch():
    return textures(9, torch.Generator().manual_seed(7))
