import subprocess
import sys

import pytest
import torch
from torch.nn import functional

from deepfake_adv.detectors.compact import Compact


def test_the_demo_width_has_the_stated_number_of_parameters():
    assert sum(parameter.numel() for parameter in Compact(width=24).parameters()) == 138_290


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (96, 96)])
def test_features_are_a_sixteenth_of_the_image(size):
    features = Compact(width=2).eval().features(torch.rand(1, 3, *size))
    assert features.shape == (1, 8, (size[0] + 1) // 16, (size[1] + 1) // 16)


def test_channels_last_gives_the_same_logits():
    torch.manual_seed(0)
    detector = Compact(width=8).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = detector(images)
        detector = detector.to(memory_format=torch.channels_last)
        features = detector.features(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(detector.classify(features), expected, rtol=1e-4, atol=1e-5)
    assert features.is_contiguous(memory_format=torch.channels_last)


def _resampled_fakes(count, rng):
    """Smooth colours with grain; a fake has been through half the resolution in one place."""
    images = functional.interpolate(torch.rand(count, 3, 4, 4, generator=rng), 64, mode="bicubic")
    images = (0.2 + 0.6 * images + 0.04 * torch.randn(images.shape, generator=rng)).clamp(0, 1)
    labels = torch.arange(count) % 2
    soft = functional.interpolate(functional.avg_pool2d(images, 2), scale_factor=2)
    for index in range(1, count, 2):
        row, column = torch.randint(0, 24, (2,), generator=rng).tolist()
        part = (index, slice(None), slice(row, row + 40), slice(column, column + 40))
        images[part] = soft[part]
    return images, labels


def test_it_learns_a_subtle_local_trace_in_seconds():
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    images, labels = _resampled_fakes(192, rng)
    unseen, truth = _resampled_fakes(64, rng)
    detector = Compact(width=12)
    optimiser = torch.optim.AdamW(detector.parameters(), 3e-3)
    for step in range(72):
        chosen = torch.arange(16) + 16 * (step % 12)
        optimiser.zero_grad()
        detector.training_loss(images[chosen], labels[chosen]).total.backward()
        optimiser.step()
    detector.eval()
    with torch.no_grad():
        accuracy = (detector(unseen).argmax(1) == truth).float().mean()
    assert accuracy > 0.9


@pytest.mark.parametrize(("argument", "value"), [("width", 0), ("dropout", 1.0), ("dropout", -0.1)])
def test_arguments_out_of_range_are_refused(argument, value):
    with pytest.raises(ValueError, match=f"{argument}: input should be .* got {value}"):
        Compact(**{argument: value})


@pytest.mark.slow  # a fresh interpreter
def test_it_never_waits_for_timm():
    code = (
        "import sys; from deepfake_adv.detectors.registry import build_detector; "
        "build_detector('compact', width=4); sys.exit('timm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
