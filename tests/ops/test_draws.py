"""Random tensors: bounds, dtype, one source."""

import pytest
import torch

from deepfake_adv.ops.draws import dropout, integers, normal, rng_per_image, uniform


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("draw", [uniform, normal])
def test_draws_follow_their_generator_and_leave_the_global_one(draw):
    before, like = torch.get_rng_state(), torch.zeros(1, dtype=torch.float64)
    first, second = (draw((50, 3), seeded(), like) for _ in range(2))
    assert torch.equal(first, second)
    assert (first.shape, first.dtype) == ((50, 3), torch.float64)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("draw", [uniform, normal])
def test_without_a_generator_the_global_one_is_used(draw):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        free = draw((50,), None, torch.zeros(1))
    assert torch.equal(free, draw((50,), seeded(), torch.zeros(1)))


@pytest.mark.parametrize("draw", [uniform, normal])
def test_a_generator_per_image_gives_each_image_its_own(draw):
    names = ["a", "b", "c"]
    like = torch.zeros(1)
    together = draw((3, 2, 5), rng_per_image(names, 1), like)
    for number in range(3):
        alone = draw((1, 2, 5), rng_per_image(names[number : number + 1], 1), like)
        assert torch.equal(together[number], alone[0])
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(together, draw((3, 2, 5), rng_per_image(names, 2), like))


def test_bounds():
    values = uniform((1000,), seeded(), torch.zeros(1))
    assert 0 <= values.min() < 0.1
    assert 0.9 < values.max() < 1
    assert set(integers(3, 100, seeded())) == {0, 1, 2}


def test_dropout_keeps_the_mean():
    values = torch.ones(20_000)
    dropped = dropout(values, 0.25, seeded())
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert dropped.mean() == pytest.approx(1, abs=0.02)
    assert dropout(values, 0.25, None) is values
