"""Each control keeps what it is a control of, and no more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.controls import BlurControl
from deepfake_adv.methods.registry import build_method
from deepfake_adv.ops.blur import blur_pixelwise

Make = Callable[..., Any]


def even(images: Tensor, sigma: float) -> Tensor:
    return blur_pixelwise(images, torch.full_like(images[:, :1], 1 / sigma), kernel_size=9)


def random_sigma(count: int = 400, size: int = 64, **arguments: float) -> Tensor:
    frames = Batch(torch.zeros(count, 3, size, size, dtype=torch.float64), torch.arange(count) % 2)
    return build_method("random_maps", **arguments).sigma(frames, torch.Generator().manual_seed(0))  # type: ignore[no-any-return,operator]


def correlation(maps: Tensor, lag: int) -> float:
    """Of pixels `lag` apart in a row, mean over the maps; worked out pair by pair."""
    spread = maps - maps.mean((2, 3), keepdim=True)
    pairs = (spread[..., lag:] * spread[..., :-lag]).mean((1, 2, 3)) / spread.square().mean((1, 2, 3))
    return float(pairs.mean())


def test_a_fixed_blur_is_the_same_everywhere(game: Make) -> None:
    toy = game("fixed_blur", sigma=1.3)
    torch.testing.assert_close(toy.altered(), even(toy.batch.images, 1.3))
    loss = toy.method.detector_loss(toy.detector, toy.batch, toy.rng)
    assert loss.clean is not None  # as many images as with an adversary: clean and blurred
    toy = game("fixed_blur", sigma=1.3, sigma_fake=0.6)
    fake = toy.batch.labels == 1
    torch.testing.assert_close(toy.altered()[fake], even(toy.batch.images[fake], 0.6))
    torch.testing.assert_close(toy.altered()[~fake], even(toy.batch.images[~fake], 1.3))


@pytest.mark.parametrize(("mean", "between", "within"), [(1.7, 0.1, 0.3), (1.2, 0.4, 0.0), (2.0, 0.0, 1.0)])
def test_random_maps_have_the_moments_that_were_asked_for(mean: float, between: float, within: float) -> None:
    sigma = random_sigma(mean=mean, between=between, within=within, smoothness=4)
    assert (sigma > 0).all()
    assert sigma.mean().item() == pytest.approx(mean, rel=0.02)
    assert sigma.std((2, 3)).mean().item() == pytest.approx(within, rel=0.03, abs=1e-9)
    of_images = sigma.mean((2, 3)).std().item()
    assert of_images == pytest.approx(between, rel=0.1, abs=0.03 * within + 1e-9)
    assert torch.equal(sigma, random_sigma(mean=mean, between=between, within=within, smoothness=4))


@pytest.mark.parametrize("smoothness", [2, 4, 8])
def test_random_maps_are_as_smooth_as_was_asked_for(smoothness: int) -> None:
    sigma = random_sigma(60, 160, smoothness=smoothness, within=0.05)
    assert correlation(sigma, smoothness) == pytest.approx(0.5, abs=0.04)


def test_random_maps_know_neither_image_nor_label_nor_detector(game: Make) -> None:
    toy = game("random_maps")
    other = replace(toy.batch, images=1 - toy.batch.images, labels=1 - toy.batch.labels)
    maps = [toy.method.sigma(batch, torch.Generator().manual_seed(3)) for batch in (toy.batch, other)]
    assert torch.equal(*maps)
    rng = torch.Generator().manual_seed(3)
    expected = blur_pixelwise(toy.batch.images, 1 / maps[0], kernel_size=9)
    torch.testing.assert_close(toy.method.alter(None, toy.batch, rng).images, expected)


def test_clean_twice_is_the_baseline_on_two_batches(game: Make, batch: Callable[..., Batch]) -> None:
    twice, once = game("clean_twice"), game("baseline")
    assert (twice.method.batches_per_step, once.method.batches_per_step) == (2, 1)
    first, second = batch(seed=0), batch(seed=1)
    both = Batch(torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels]))
    loss = twice.method.detector_loss(twice.detector, both, twice.rng)
    assert loss.total == once.method.detector_loss(once.detector, both, once.rng).total
    assert loss.adversarial is None


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("fixed_blur", {"sigma": 0}, "sigma: input should be greater than 0; got 0"),
        ("random_maps", {"within": -1}, "within: input should be greater than or equal to 0; got -1"),
        ("random_maps", {"kernel_size": 8}, "kernel_size: must be odd; got 8"),
        ("clean_twice", {"lam": 1}, "params of the method clean_twice must be left out; got 'lam'"),
    ],
)
def test_bad_values(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_method(name, **arguments)


def test_what_a_control_must_have(game: Make) -> None:
    toy = game("fixed_blur")
    with pytest.raises(NotImplementedError, match=r"BlurControl must define sigma\(\)"):
        BlurControl().alter(toy.detector, toy.batch, toy.rng)
    with pytest.raises(ValueError, match="kernel_size must be at most the image's shorter side; got 9 for images of 8"):
        toy.method.check_size(8)
