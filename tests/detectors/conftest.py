import copy

import pytest
import torch

from deepfake_adv.detectors.registry import DETECTORS, build_detector

# The smallest form of each detector, as it offers itself; a name with a colon stands for any that begins like it.
SMALL = {
    arguments.get("name", name): {key: value for key, value in arguments.items() if key != "name"}
    for name in DETECTORS.names()
    for arguments in DETECTORS[name].tiny
}


@pytest.fixture(scope="session")
def small():
    return SMALL


@pytest.fixture(scope="session")
def _built():
    return {}


@pytest.fixture
def make(_built):
    """A small detector by name, untouched by other tests."""

    def make(name):
        if name not in _built:
            torch.manual_seed(0)
            _built[name] = build_detector(name, **SMALL[name])
        return copy.deepcopy(_built[name])

    return make


@pytest.fixture
def sample():
    """Images, labels and masks that suit a detector."""

    def sample(detector, batch=4, height=48, width=48, dtype=torch.float32):
        rng = torch.Generator().manual_seed(1)
        shape = (batch, 3, height, width)
        mask_shape = (batch, 1, height, width)
        if detector.clip_length > 1:
            shape = (batch, detector.clip_length, *shape[1:])
            mask_shape = (batch, detector.clip_length, *mask_shape[1:])
        images = torch.rand(shape, generator=rng, dtype=dtype)
        labels = torch.arange(batch) % 2
        masks = torch.rand(mask_shape, generator=rng, dtype=dtype)
        return images, labels, masks * labels.view(-1, *[1] * (masks.ndim - 1))

    return sample
