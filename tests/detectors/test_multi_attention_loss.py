"""Against slow references in float64, term by term."""

import math
import os
import socket

import pytest
import torch
from torch import distributed, multiprocessing

from deepfake_adv.detectors.multi_attention_parts import (
    VARIANTS,
    independence_loss,
    inter_loss,
    intra_loss,
    match_loss,
    updated_centres,
)

RATE = 0.05


@pytest.fixture
def vectors():
    rng = torch.Generator().manual_seed(0)
    values = torch.randn(6, 4, 5, generator=rng, dtype=torch.float64)
    return values / values.norm(dim=2, keepdim=True)


@pytest.fixture
def centres():
    return 0.3 * torch.randn(4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


LABELS = torch.tensor([0, 1, 0, 1, 1, 0])


def _distance(one, other):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)))


def test_the_papers_margin_is_kept_region_by_region(vectors, centres):
    terms = [
        max(_distance(row, centre) - (0.05, 0.1)[label], 0)
        for image, label in zip(vectors.tolist(), LABELS.tolist(), strict=True)
        for row, centre in zip(image, centres.tolist(), strict=True)
    ]
    loss = intra_loss(vectors, centres, LABELS, VARIANTS["paper"])
    assert loss.item() == pytest.approx(sum(terms) / len(terms))


def test_the_authors_run_keeps_reals_within_and_fakes_beyond(vectors, centres):
    terms = []
    for image, label in zip(vectors, LABELS.tolist(), strict=True):
        distance = _distance(image.flatten().tolist(), centres.flatten().tolist())
        terms.append(max(distance - 0.2, 0) if label == 0 else max(0.8 - distance, 0))
    loss = intra_loss(vectors, centres, LABELS, VARIANTS["release"])
    assert loss.item() == pytest.approx(sum(terms) / len(terms))


def test_centres_closer_than_the_margin_are_charged_by_pairs(centres):
    rows = centres.tolist()
    expected = sum(max(0.8 - _distance(rows[i], rows[j]), 0) for i in range(4) for j in range(i + 1, 4))
    assert inter_loss(centres, 0.8).item() == pytest.approx(expected)
    assert inter_loss(10 * torch.eye(4), 0.8) == 0


@pytest.mark.parametrize("reals_only", [False, True])
def test_centres_move_by_the_rate_towards_the_mean(vectors, centres, reals_only):
    weights = (LABELS == 0).double() if reals_only else torch.ones(6, dtype=torch.float64)
    expected = centres.clone()
    for image, weight in zip(vectors, weights, strict=True):
        expected += RATE / 6 * weight * (image - centres)
    torch.testing.assert_close(updated_centres(centres, vectors, weights, torch.tensor(RATE)), expected)


def test_the_distance_between_centres_reaches_the_vectors(vectors):
    vectors.requires_grad_(True)
    moved = updated_centres(torch.zeros(4, 5), vectors, torch.ones(6), torch.tensor(RATE))
    inter_loss(moved, 0.8).backward()
    assert (vectors.grad.flatten(1).norm(dim=1) > 0).all()


def test_centres_that_coincide_give_no_nan():
    centres = torch.zeros(4, 5, requires_grad=True)
    inter_loss(centres, 0.8).backward()
    assert torch.isfinite(centres.grad).all()


def test_the_drawn_region_is_left_out_of_the_match(vectors):
    others = vectors.clone()
    drawn = torch.tensor([0, 1, 2, 3, 0, 1])
    for image, region in enumerate(drawn.tolist()):
        others[image, region] += 100
    assert match_loss(vectors, others, drawn) == 0
    others = vectors + torch.ones_like(vectors)
    assert match_loss(vectors, others, drawn).item() == pytest.approx(0.75 * math.sqrt(5))  # 3 of 4, and 0 for one


@pytest.mark.parametrize(("variant", "weight", "divisor"), [("paper", 1, 1), ("release", 0.5, 4 * RATE)])
def test_independence_is_the_sum_that_each_form_weighs(vectors, centres, variant, weight, divisor):
    values, centres = VARIANTS[variant], 0.2 * centres
    found = independence_loss(vectors, centres, LABELS, values, torch.tensor(RATE, dtype=torch.float64))
    intra, inter = intra_loss(vectors, centres, LABELS, values), inter_loss(centres, values.inter_margin)
    assert inter > 0
    assert found.item() == pytest.approx(weight * (intra + inter / divisor).item())


def _rank(rank, port, vectors, expected):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    distributed.init_process_group("gloo", rank=rank, world_size=2)
    try:
        part = vectors[3 * rank : 3 * rank + 3].requires_grad_(True)
        centres = updated_centres(torch.zeros(4, 5).double(), part, torch.ones(3).double(), torch.tensor(RATE))
        inter_loss(centres, 0.8).backward()
        torch.testing.assert_close(centres.detach(), expected[0])
        # DDP divides the summed gradients by the number of ranks
        torch.testing.assert_close(part.grad / 2, expected[1][3 * rank : 3 * rank + 3])
    finally:
        distributed.destroy_process_group()


@pytest.mark.slow  # starts two processes
def test_two_processes_share_their_centres_and_gradients(vectors):
    whole = vectors.clone().requires_grad_(True)
    centres = updated_centres(torch.zeros(4, 5).double(), whole, torch.ones(6).double(), torch.tensor(RATE))
    inter_loss(centres, 0.8).backward()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    arguments = (port, vectors, (centres.detach(), whole.grad))
    ranks = [context.Process(target=_rank, args=(rank, *arguments)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(60)
    assert [process.exitcode for process in ranks] == [0, 0]
