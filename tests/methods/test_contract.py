"""What every method of the registry keeps, in each of the smallest forms that it offers itself, and golden losses."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from deepfake_adv.methods.registry import METHODS, build_method

VARIANTS = [
    pytest.param(name, arguments, id=f"{name}-{number}")
    for name in METHODS
    for number, arguments in enumerate(METHODS[name].tiny)
]
variants = pytest.mark.parametrize(("name", "arguments"), VARIANTS)
ADVERSARIAL = [name for name in METHODS if METHODS[name].attacks]


def five_losses(game: Any) -> list[float]:
    return [game.step().total.item() for _ in range(5)]


@variants
def test_lowers_its_loss(game: Callable[..., Any], name: str, arguments: dict[str, Any]) -> None:
    toy = game(name, seed=3, **arguments)

    def loss() -> float:
        draws = [torch.Generator().manual_seed(seed) for seed in range(4)]  # the same ones before and after
        return sum(toy.method.detector_loss(toy.detector, toy.batch, draw).total.item() for draw in draws)

    before = loss()
    for _ in range(16):
        toy.step()
    assert loss() < before


@variants
def test_reproducible_bit_for_bit(game: Callable[..., Any], name: str, arguments: dict[str, Any]) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = game(name, **arguments)
    losses = [first.step().total.item() for _ in range(3)]
    assert torch.equal(torch.get_rng_state(), before)  # no draw from the global rng
    torch.manual_seed(2)
    second = game(name, **arguments)
    assert [second.step().total.item() for _ in range(3)] == losses
    for one, other in zip(first.detector.parameters(), second.detector.parameters(), strict=True):
        assert torch.equal(one, other)


@variants
def test_a_checkpoint_continues_the_same_run(game: Callable[..., Any], name: str, arguments: dict[str, Any]) -> None:
    whole = game(name, **arguments)
    for _ in range(2):
        whole.step()
    state = copy.deepcopy(whole.state())
    expected = [whole.step().total.item() for _ in range(3)]
    resumed = game(name, **arguments, seed=7)
    resumed.load(state)
    assert [resumed.step().total.item() for _ in range(3)] == expected


@variants
def test_altering_leaves_the_detector_as_found(game: Callable[..., Any], name: str, arguments: dict[str, Any]) -> None:
    toy = game(name, **arguments)
    toy.step()
    toy.detector.head.weight.requires_grad_(False)
    toy.detector.body[1].eval()
    found = copy.deepcopy(
        [
            [module.training for module in toy.detector.modules()],
            [(weight.requires_grad, weight.detach().clone(), weight.grad) for weight in toy.detector.parameters()],
            list(toy.detector.buffers()),
        ]
    )
    images = toy.altered()
    assert images.shape == toy.batch.images.shape
    assert images.min() >= 0
    assert images.max() <= 1
    assert [module.training for module in toy.detector.modules()] == found[0]
    for weight, (flag, value, gradient) in zip(toy.detector.parameters(), found[1], strict=True):
        assert weight.requires_grad == flag
        assert torch.equal(weight, value)
        assert (weight.grad is None and gradient is None) or torch.equal(weight.grad, gradient)
    assert all(torch.equal(one, other) for one, other in zip(toy.detector.buffers(), found[2], strict=True))


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("detector", ["plain", "clips"])
def test_raises_the_detectors_loss(game: Callable[..., Any], name: str, detector: str) -> None:
    taught = game("baseline", detector=detector)
    for _ in range(20):
        taught.step()
    toy = game(name, detector=detector)
    for _ in range(10 * toy.method.adversary_steps):
        toy.optimisers[1].zero_grad()
        toy.method.adversary_loss(taught.detector, toy.batch, toy.rng).backward()
        toy.optimisers[1].step()
    images = toy.altered(taught.detector)
    taught.detector.eval()
    clean, adversarial = (
        functional.cross_entropy(taught.detector(batch), toy.batch.labels) for batch in (toy.batch.images, images)
    )
    assert adversarial > 1.02 * clean


@pytest.mark.parametrize("detector", ["masked", "clips"])
@variants
def test_works_with_masks_and_clips(
    game: Callable[..., Any], name: str, arguments: dict[str, Any], detector: str
) -> None:
    toy = game(name, detector=detector, **arguments)
    losses = [toy.step() for _ in range(2)]
    assert all(torch.isfinite(loss.total) for loss in losses)
    if detector == "masked":
        assert "mask" in losses[0].parts


@variants
def test_not_a_number_is_not_hidden(game: Callable[..., Any], name: str, arguments: dict[str, Any]) -> None:
    toy = game(name, **arguments)
    with torch.no_grad():
        toy.detector.head.bias.fill_(float("nan"))
    assert "nan" in outcome(toy) or "finite" in outcome(toy)  # the loss itself, or a refusal on the way


def outcome(toy: Any) -> str:
    try:
        return str(toy.method.detector_loss(toy.detector, toy.batch, toy.rng).total.item())
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("name", list(METHODS))
def test_golden_losses(game: Callable[..., Any], golden: Callable[..., None], name: str) -> None:
    losses = five_losses(game(name, dtype=torch.float64))
    golden(f"methods/{name}", [losses[0], losses[-1]])


@pytest.mark.parametrize("name", list(METHODS))
def test_every_argument_has_a_default_and_an_explanation(name: str) -> None:
    fields = METHODS[name].Params.model_fields
    assert [key for key, field in fields.items() if field.is_required() or not field.description] == []
    assert build_method(name, **METHODS[name].tiny[0]).params.model_fields_set == set(METHODS[name].tiny[0])


def test_the_papers_adversarial_methods_are_among_those_that_attack() -> None:
    assert set(ADVERSARIAL) >= {"grad_aat", "grad_sat", "grad_bat", "gen_bat", "two_gen_bat", "combined_at"}
