"""Forgeries, heads and policy of SLADD; the defects of the seed's code, one test each."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn import functional

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.compact import Compact
from deepfake_adv.methods.registry import build_method
from deepfake_adv.methods.sladd.blend import (
    COLOUR_TRANSFERS,
    average_align,
    low_pass_match,
    mean_match,
    moved,
    reinhard,
    share_of_alpha,
    similarity,
)
from deepfake_adv.methods.sladd.forge import FEATHER, ORIGINAL_FAKE, Configuration, Kind, forge, usable
from deepfake_adv.methods.sladd.forgeries import synthesize
from deepfake_adv.methods.sladd.heads import Heads, Targets, Weights, am_softmax
from deepfake_adv.methods.sladd.regions import key_points, region_mask
from deepfake_adv.methods.sladd.synthesizer import Choice, Synthesizer, reinforce

SIZE = 64
KNOWN = {36: (16, 26), 39: (27, 26), 42: (37, 26), 45: (48, 26), 33: (32, 38), 48: (22, 50), 54: (42, 50)}


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def face(shift: float = 0.0) -> np.ndarray:
    points = np.random.default_rng(0).uniform(8, 56, (68, 2))
    points[list(KNOWN)] = list(KNOWN.values())
    return (points + shift).astype(np.float32)


def smooth(seed: int) -> np.ndarray:
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    big = functional.interpolate(coarse, size=(SIZE, SIZE), mode="bilinear")[0]
    return big.movedim(0, -1).contiguous().numpy()


def batch(landmarks: bool = True) -> Batch:
    images = torch.stack([torch.from_numpy(smooth(seed)).movedim(-1, 0) for seed in range(6)])
    points = torch.from_numpy(np.stack([face(seed) for seed in range(6)])) if landmarks else None
    masks = torch.zeros(6, 1, SIZE, SIZE)
    labels = torch.tensor([0, 0, 0, 0, 1, 1])
    masks[labels == 1] = 0.5
    return Batch(images, labels, masks, points)


def test_similarity_is_recovered_exactly() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(5, 2))
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    matrix = similarity(points, 1.7 * points @ turn.T + [3.0, -2.0])
    np.testing.assert_allclose(matrix, np.column_stack([1.7 * turn, [3.0, -2.0]]), atol=1e-10)
    mirrored = similarity(points, points * [-1, 1])
    assert np.linalg.det(mirrored[:, :2]) > 0


def test_the_references_own_landmarks_align_it() -> None:
    image = smooth(0)
    shifted = np.roll(image, (3, 3), (0, 1))
    back = moved(shifted, similarity(key_points(face(3)), key_points(face())))
    np.testing.assert_allclose(back[8:-8, 8:-8], image[8:-8, 8:-8], atol=1e-3)


def test_a_face_is_placed_by_the_seeds_five_points() -> None:
    """The nose is point 30 there; the tip, 33, is drawn from alone."""
    points = np.arange(136, dtype=np.float32).reshape(68, 2)
    expected = [(points[36] + points[39]) / 2, (points[42] + points[45]) / 2, points[30], points[48], points[54]]
    assert np.array_equal(key_points(points), expected)


@pytest.mark.parametrize("transfer", [reinhard, mean_match, low_pass_match])
def test_colour_transfer_reaches_the_images_colours(transfer: Any) -> None:
    image, mask = smooth(0), region_mask(face(), 9, (SIZE, SIZE))
    reference = np.clip(0.5 * image + 0.3, 0, 1)
    inside = mask > 0
    before, after = (
        abs((part - image)[inside].mean(0)).mean() for part in (reference, transfer(reference, image, mask, face()))
    )
    assert after < 0.3 * before


def test_average_align_shifts_by_the_masked_pictures_averages() -> None:
    image, reference, mask = smooth(0), 0.25 + 0.5 * smooth(1), region_mask(face(), 3, (SIZE, SIZE))
    aligned = average_align(reference, image, mask, face())
    for channel in range(3):
        ours, theirs = (
            sum(float(part[y, x, channel] * mask[y, x]) for y in range(SIZE) for x in range(SIZE)) / SIZE**2
            for part in (reference, image)
        )
        np.testing.assert_allclose(aligned[..., channel], reference[..., channel] + theirs - ours, atol=1e-6)
    strong = mean_match(reference, image, mask, face())
    np.testing.assert_allclose(aligned - reference, (strong - reference) * mask.mean(), atol=1e-6)


def test_every_colour_transfer_of_the_seed_is_drawn() -> None:
    assert (reinhard, mean_match, average_align, low_pass_match) == COLOUR_TRANSFERS


@pytest.mark.parametrize("transfer", COLOUR_TRANSFERS)
def test_colours_outside_the_mask_do_not_matter(transfer: Any) -> None:
    mask = region_mask(face(), 9, (SIZE, SIZE))
    outside = 1 - mask[..., None]
    found = transfer(smooth(1), smooth(0), mask, face())
    other = transfer(*(np.clip(smooth(seed) + 0.5 * outside, 0, 1) for seed in (1, 0)), mask, face())
    np.testing.assert_allclose(other[mask > 0], found[mask > 0], atol=1e-5)


@pytest.mark.parametrize(("size", "longer", "share"), [(256, 101, 0.1), (128, 51, 0.1), (256, 21, 0.5), (256, 6, 1.0)])
def test_alpha_is_one_over_the_feathers_width(size: int, longer: int, share: float) -> None:
    """The seed: width = feather * side, px at 256; it divides the sign of the distance by it."""
    mask = np.zeros((size, size), np.float32)
    mask[4 : 4 + longer, 4:9] = 1
    assert share_of_alpha(mask, 0.1) == pytest.approx(share)
    assert share_of_alpha(mask, 0.0) == 1


def test_alpha_is_as_weak_as_the_seeds() -> None:
    """min(1, 1 / U(0, 20)) px of a mask 101 px long: (1 + ln 20) / 20 on average."""
    mask = np.zeros((256, 256), np.float32)
    mask[4:105, 4:9] = 1
    shares = [share_of_alpha(mask, draw) for draw in np.linspace(0, FEATHER, 2001)]
    assert np.mean(shares) == pytest.approx((1 + np.log(20)) / 20, abs=1e-3)


@pytest.mark.parametrize("kind", list(Kind))
def test_forge_changes_only_the_mask(kind: Kind) -> None:
    image = smooth(0)
    result = forge(image, face(), smooth(1), face(2), Configuration(9, kind, 0.5), np.random.default_rng(0))
    if kind is Kind.NOTHING:
        assert result is None
        return
    assert result is not None
    forged, mask = result
    assert forged.dtype == np.float32
    assert set(np.unique(mask)) == {0, 1}
    assert np.allclose(forged[mask == 0], image[mask == 0], atol=1e-6)
    assert abs(forged - image)[mask > 0].mean() > 1 / 255
    again = forge(image, face(), smooth(1), face(2), Configuration(9, kind, 0.5), np.random.default_rng(0))
    assert again is not None
    assert np.array_equal(again[0], forged)


def test_unusable_landmarks() -> None:
    assert usable(face(), (SIZE, SIZE))
    assert not usable(np.full((68, 2), np.nan, np.float32), (SIZE, SIZE))
    assert not usable(np.zeros((68, 2), np.float32), (SIZE, SIZE))
    assert not usable(face(500), (SIZE, SIZE))


def test_only_reals_with_landmarks_are_altered() -> None:
    synthesizer, given = Synthesizer(width=4), batch()
    assert given.landmarks is not None
    given.landmarks[1] = float("nan")
    kinds = set()
    for seed in range(8):
        made = synthesize(given, synthesizer, torch.Generator().manual_seed(seed))
        changed = (made.batch.images != given.images).flatten(1).any(1)
        assert torch.equal(changed, made.batch.labels != given.labels)
        assert not changed[[1, 4, 5]].any()
        assert made.without_landmarks == 1
        assert made.forged == int(changed.sum())
        assert made.targets.kind[4:].tolist() == [ORIGINAL_FAKE] * 2
        assert (made.targets.kind[~changed & (given.labels == 0)] == Kind.NOTHING).all()
        assert torch.equal(made.targets.magnitude.isnan(), made.targets.kind != Kind.MIX)
        assert (made.targets.masks[changed].amax((1, 2, 3)) > 0).all()
        kinds.update(made.targets.kind[changed].tolist())
    assert kinds == {Kind.ALPHA, Kind.POISSON, Kind.MIX}
    assert given.labels.tolist() == [0, 0, 0, 0, 1, 1]  # the batch given is left as it was


@pytest.mark.parametrize("update", ["alternating", "joint"])
def test_without_landmarks_nothing_happens_but_training(update: str) -> None:
    method, detector = build_method("sladd", seed=0, update=update, synthesizer={"width": 4}), Compact(width=4)
    method.attach(detector)
    loss = method.detector_loss(detector, batch(landmarks=False), torch.Generator())
    assert loss.parts["sladd_without_landmarks"] == 4
    assert loss.parts["sladd_forged"] == 0
    loss.total.backward()
    assert method.adversary_loss(detector, batch(landmarks=False), torch.Generator()).item() == 0


def test_am_softmax_against_its_formula() -> None:
    logits = torch.randn(5, 3, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 1, 0])
    losses = am_softmax(logits, labels, margin=0.45, scale=30.0)
    for row, label, loss in zip(logits, labels, losses, strict=True):
        moved = row.clone()
        moved[label] -= 0.45
        assert loss.item() == pytest.approx((torch.logsumexp(30 * moved, 0) - 30 * moved[label]).item(), rel=1e-12)


def test_am_softmax_of_a_certain_detector_is_small_and_not_zero() -> None:
    """It is the synthesizer's reward: where it were zero, all choices would be worth the same."""
    loss = am_softmax(torch.tensor([[1.5, 0.0]]), torch.tensor([0]), margin=0.45, scale=30.0)
    assert loss.item() == pytest.approx(math.exp(-30 * 1.05), rel=1e-4)


def test_the_magnitude_is_compared_image_by_image() -> None:
    """In the seed's code shapes broadcast to all pairs."""
    heads = Heads(3, dropout=0.0)
    features = torch.randn(4, 3, 5, 5)
    magnitude = torch.tensor([0.2, float("nan"), 0.7, float("nan")])
    targets = Targets(torch.full((4, 1, 9, 9), float("nan")), torch.tensor([2, 3, 2, 4]), magnitude)
    losses = heads.losses(features, targets, Weights(1, 1, 1), margin=0, scale=1, rng=torch.Generator())
    found = heads(features)[2]
    assert losses["magnitude"].item() == pytest.approx(((found - magnitude)[[0, 2]] ** 2).sum().item() / 4, rel=1e-5)
    assert losses["map"] == 0
    sum(losses.values()).backward()  # type: ignore[union-attr]
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in heads.parameters())


def test_the_magnitudes_mean_is_over_all_images() -> None:
    """The seed's MSELoss over 8 images of which 2 carry a magnitude: a quarter of the mean over the two."""
    heads, targets = Heads(3, dropout=0.0), torch.full((8,), float("nan"))
    targets[:2] = torch.tensor([0.25, 0.75])
    known = Targets(torch.zeros(8, 1, 9, 9), torch.tensor([2, 2, *[3] * 6]), targets)
    with torch.no_grad():
        heads.magnitude.weight.zero_()
        heads.magnitude.bias.fill_(0.5)
    losses = heads.losses(torch.randn(8, 3, 5, 5), known, Weights(1, 1, 1), margin=0, scale=1, rng=torch.Generator())
    assert losses["magnitude"].item() == pytest.approx(0.25**2 / 4)


def test_a_choice_is_rewarded_by_its_own_images_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed rewards all choices of a batch alike."""
    rewards = []
    monkeypatch.setattr(
        "deepfake_adv.methods.sladd.method.reinforce",
        lambda choice, reward, **_: rewards.append(reward.detach()) or choice.log_probability.sum(),
    )
    method, detector = build_method("sladd", seed=0, synthesizer={"width": 4}), Compact(width=4, dropout=0.0)
    method.attach(detector)
    method.detector_loss(detector, batch(), torch.Generator().manual_seed(0))
    made = synthesize(batch(), method.adversary, torch.Generator().manual_seed(0)).batch
    images, labels = torch.cat([made.images, made.images.flip(-1)]), torch.cat([made.labels] * 2)
    losses = am_softmax(detector(images), labels, margin=method.margin, scale=method.scale)
    torch.testing.assert_close(rewards[0], losses[:4].detach())
    assert len(set(rewards[0].tolist())) > 1


def test_reinforce_raises_the_rewarded_choice() -> None:
    """Without a baseline, as in the seed, both choices would become likelier."""
    logits = torch.zeros(2, requires_grad=True)
    score = logits.log_softmax(0)
    zeros = torch.zeros(2)
    choice = Choice(zeros.long(), zeros.long(), zeros, score, zeros)
    reinforce(choice, torch.tensor([3.0, 1.0]), entropy_weight=0).backward()
    assert logits.grad is not None
    assert logits.grad[0] < 0 < logits.grad[1]


def test_the_synthesizer_learns_the_kind_that_pays() -> None:
    torch.manual_seed(0)
    synthesizer = Synthesizer(width=4, dropout=0.0)
    optimiser = torch.optim.Adam(synthesizer.parameters(), 1e-2)
    images, rng = torch.rand(16, 3, 16, 16), torch.Generator().manual_seed(0)
    for _ in range(60):
        choice = synthesizer.choose(images, images.flip(0), rng)
        optimiser.zero_grad()
        reinforce(choice, (choice.kind == Kind.POISSON).float(), entropy_weight=1e-5).backward()
        optimiser.step()
    assert synthesizer(images, images.flip(0))[1].softmax(1)[:, Kind.POISSON].mean() > 0.6


def test_a_pretrained_synthesizer_reads_weights_as_a_detector_does(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = timm.create_model("resnet10t", num_classes=2)
    save_file(trained.state_dict(), tmp_path / "w.safetensors")
    made = Synthesizer(backbone="resnet10t", pretrained=True, weights=str(tmp_path / "w.safetensors"))
    assert torch.equal(made.backbone.layer1[0].conv1.weight, trained.layer1[0].conv1.weight)
    with pytest.raises(FileNotFoundError, match=r"found nothing at .*absent\.pth"):
        Synthesizer(backbone="resnet10t", pretrained=True, weights=str(tmp_path / "absent.pth"))


def test_attach_comes_first() -> None:
    method = build_method("sladd", seed=0, synthesizer={"width": 4})
    with pytest.raises(RuntimeError, match="sladd must be attached to a detector first"):
        method.detector_loss(Compact(width=4), batch(), torch.Generator())
