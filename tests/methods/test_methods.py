"""Each method against its formula; the errors of the paper's release, one test each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from deepfake_adv.attacks.ascent import frozen_eval
from deepfake_adv.data.batch import Batch
from deepfake_adv.methods.base import Method
from deepfake_adv.methods.frames import FrameModel, ScaleGradient, reverse_gradient
from deepfake_adv.methods.registry import build_method
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.ops.warp import warp_flow

Make = Callable[..., Any]


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_equation_3_weighs_the_altered_images(game: Make, lam: float) -> None:
    toy = game("grad_bat", detector="masked", lam=lam, dtype=torch.float64)
    altered = toy.method.altered(toy.detector, toy.batch, toy.rng)
    loss = toy.method.combine(toy.detector, toy.batch, altered)
    toy.detector.zero_grad()
    whole = toy.detector.training_loss(
        torch.cat([toy.batch.images, altered.images]),
        toy.batch.labels.repeat(2),
        torch.cat([toy.batch.masks, altered.masks]),
    )
    clean, adversarial = whole.classification.view(2, -1).mean(1)
    expected = clean + lam * adversarial + (1 + lam) * whole.parts["mask"]
    assert loss.total.item() == pytest.approx(expected.item(), rel=1e-12)
    assert loss.clean == clean
    assert loss.adversarial == adversarial


def test_equation_2_leaves_the_clean_images_out(game: Make) -> None:
    toy = game("grad_bat", clean="instead")
    images = toy.altered()
    loss = toy.method.detector_loss(toy.detector, toy.batch, toy.rng)
    assert loss.clean is None
    assert torch.equal(loss.total, toy.detector.training_loss(images, toy.batch.labels).total)


@pytest.mark.parametrize("name", ["grad_aat", "combined_at"])
def test_every_fake_is_bounded_by_itself(game: Make, name: str) -> None:
    """The release clips the fakes' perturbation with the real images: half the fake pixels then get none."""
    toy = game(name, epsilon=0.01)
    start = toy.batch
    if name == "combined_at":
        frames = toy.batch
        with torch.no_grad():
            start = replace(frames, images=toy.method.blur(frames.images, toy.method.inverse_sigma(frames)))
    change = toy.altered() - start.images
    for label in (0, 1):
        part = change[toy.batch.labels == label]
        inner = ((start.images > 0.02) & (start.images < 0.98))[toy.batch.labels == label]
        assert part.abs().max() <= 0.01 + 1e-6
        assert (part[inner].abs() > 0.009).float().mean() > 0.99


def test_steps_continue_where_the_last_one_ended(game: Make) -> None:
    """The release starts over from the clean image and adds the cumulative change at each step."""
    one, three = (game("grad_aat", steps=steps, step_size=0.01, epsilon=1.0) for steps in (1, 3))
    moved = [(toy.altered() - toy.batch.images).abs().amax((1, 2, 3)) for toy in (one, three)]
    assert moved[0].tolist() == pytest.approx([0.01] * 6, abs=1e-6)
    assert moved[1].tolist() == pytest.approx([0.03] * 6, abs=1e-5)  # not 1 + 2 + 3 steps, not 1


@pytest.mark.parametrize("name", ["grad_aat", "grad_bat", "grad_sat"])
def test_the_true_labels_loss_is_raised(game: Make, name: str) -> None:
    """The release's additive option adds the gradient of the flipped label's loss, which makes examples easier."""
    toy = game(name)
    for _ in range(10):
        toy.step()
    images = toy.altered()
    start = toy.batch.images
    if name == "grad_bat":
        start = blur_pixelwise(start, torch.ones(6, 1, *start.shape[2:]), kernel_size=9)
    with torch.no_grad(), frozen_eval(toy.detector):
        before, after = (
            functional.cross_entropy(toy.detector(part), toy.batch.labels, reduction="none") for part in (start, images)
        )
    assert (after > before).all()


def test_blur_maps_have_one_channel_and_start_at_sigma_one(game: Make) -> None:
    """The release's Grad-BAT has three channels and starts at sigma 2.1."""
    toy = game("grad_bat", epsilon=1e-9)
    images = toy.altered()
    even = blur_pixelwise(toy.batch.images, torch.ones(6, 1, *images.shape[2:]), kernel_size=9)
    torch.testing.assert_close(images, even)
    assert game("two_gen_bat").method.inverse_sigma(toy.batch).shape == (6, 1, *images.shape[2:])


def test_each_label_has_its_own_generator(game: Make) -> None:
    toy = game("two_gen_bat")
    real, fake = toy.method.adversary.players["real"], toy.method.adversary.players["fake"]
    maps = toy.method.inverse_sigma(toy.batch)
    torch.testing.assert_close(maps[toy.batch.labels == 0], real(toy.batch.split(0).images))
    torch.testing.assert_close(maps[toy.batch.labels == 1], fake(toy.batch.split(1).images))
    toy.method.adversary_loss(toy.detector, toy.batch.split(1), toy.rng).backward()
    assert all(weight.grad is None for weight in real.parameters())
    assert all(weight.grad is not None for weight in fake.parameters())
    assert all(weight.grad is None for weight in toy.detector.parameters())


def test_a_perturbation_does_not_depend_on_the_batch(game: Make) -> None:
    for name in ("grad_aat", "grad_sat", "grad_bat"):
        toy = game(name, dtype=torch.float64)
        whole = toy.altered()
        fakes = toy.altered(batch=toy.batch.split(1))
        torch.testing.assert_close(whole[toy.batch.labels == 1], fakes, rtol=1e-9, atol=1e-9)


def test_masks_follow_the_flow(game: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = game("grad_sat")
    flow = torch.zeros(6, 2, *toy.batch.images.shape[2:])
    flow[:, 1] = 1.0  # fetched from one column to the right
    monkeypatch.setattr(type(toy.method.attack), "step", lambda self, variable, gradient: flow)
    altered = toy.method.altered(toy.detector, toy.batch, toy.rng)
    torch.testing.assert_close(altered.masks, warp_flow(toy.batch.masks, flow))
    torch.testing.assert_close(altered.masks[..., :-1], toy.batch.masks[..., 1:])


def test_reversal_is_one_pass_of_both_gradients(game: Make) -> None:
    toy = game("two_gen_bat", update="reversal", dtype=torch.float64)
    assert toy.method.joint
    assert toy.method.adversary_steps == 0
    toy.method.detector_loss(toy.detector, toy.batch, toy.rng).total.backward()
    turned = [weight.grad.clone() for weight in toy.method.adversary.parameters()]
    toy.method.adversary.zero_grad()
    maps = toy.method.inverse_sigma(toy.batch)
    altered = replace(toy.batch, images=toy.method.blur(toy.batch.images, maps))
    toy.method.combine(toy.detector, toy.batch, altered).total.backward()
    for gradient, weight in zip(turned, toy.method.adversary.parameters(), strict=True):
        torch.testing.assert_close(gradient, -weight.grad)
    values = torch.ones(2, requires_grad=True)
    reverse_gradient(values).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [-1, -1]


@pytest.mark.parametrize("gap", [1.0, 20.0, 50.0, 80.0])
@pytest.mark.parametrize("update", ["alternating", "reversal"])
@pytest.mark.parametrize("name", ["gen_bat", "two_gen_bat", "combined_at"])
def test_generators_learn_from_a_certain_detector(game: Make, name: str, update: str, gap: float) -> None:
    """Beyond a gap of 20 the gradient falls as exp(-gap) and keeps its direction, which float64 has right there."""
    gradients = []
    for dtype, ahead in ((torch.float32, gap), (torch.float64, min(gap, 20.0))):
        toy = game(name, update=update, dtype=dtype)
        lead = ahead * functional.one_hot(toy.batch.labels, 2).to(dtype)
        classify = toy.detector.classify
        toy.detector.classify = lambda features, made=classify, lead=lead: (
            made(features) + lead.repeat(len(features) // len(lead), 1)
        )
        if update == "reversal":
            toy.method.detector_loss(toy.detector, toy.batch, toy.rng).total.backward()
        else:
            toy.method.adversary_loss(toy.detector, toy.batch, toy.rng).backward()
        found = [weight.grad.double().flatten() for weight in toy.method.adversary.parameters()]
        gradients.append(torch.cat(found) * torch.tensor(ahead, dtype=torch.float64).exp())
    single, exact = gradients
    assert torch.dist(single, exact) < 0.01 * exact.norm()


def test_both_modes_of_differentiation_turn_the_gradient() -> None:
    values = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: ScaleGradient.apply(v, 1.0).square(), values, check_forward_ad=True)
    tangent = torch.func.jvp(reverse_gradient, (values.detach(),), (torch.ones(3, dtype=torch.float64),))[1]
    assert tangent.tolist() == [-1, -1, -1]


def test_a_clips_frames_share_its_loss(game: Make) -> None:
    toy = game("grad_aat", detector="clips", dtype=torch.float64)
    frames = toy.batch.frames().images.requires_grad_()
    model = FrameModel(toy.detector, 2)
    functional.cross_entropy(model(frames), toy.batch.frames().labels, reduction="sum").backward()
    clips = toy.batch.images.clone().requires_grad_()
    functional.cross_entropy(toy.detector(clips), toy.batch.labels, reduction="sum").backward()
    assert frames.grad is not None
    assert clips.grad is not None
    torch.testing.assert_close(frames.grad, clips.grad.flatten(0, 1))


def test_generators_learn_as_much_from_still_clips_as_from_images(game: Make) -> None:
    images, clips = (game("gen_bat", detector=detector, dtype=torch.float64) for detector in ("plain", "clips"))
    still = images.batch.images.unsqueeze(1).expand(-1, 2, -1, -1, -1)
    clips.batch = replace(clips.batch, images=still)
    gradients = []
    for toy in (images, clips):
        toy.method.adversary_loss(toy.detector, toy.batch, toy.rng).backward()
        assert toy.method.adversary is not None
        gradients.append([weight.grad for weight in toy.method.adversary.parameters()])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", ["gaussian_noise", "gaussian_blur", "jpeg"])
def test_augmentations_touch_their_share(name: str, batch: Callable[..., Batch]) -> None:
    many = Batch(torch.rand(200, 3, 16, 16), torch.zeros(200, dtype=torch.long))
    changed = {}
    for probability in (0.0, 0.5, 1.0):
        method = build_method(name, seed=0, probability=probability)
        images = method.alter(method, many, torch.Generator().manual_seed(0)).images
        changed[probability] = (images != many.images).flatten(1).any(1).float().mean().item()
    assert changed[0.0] == 0
    assert 0.4 < changed[0.5] < 0.6
    assert changed[1.0] > 0.98


def test_all_jpeg_qualities_are_equally_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def record(images: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
        seen.extend(quality.tolist())
        return images

    monkeypatch.setattr("deepfake_adv.methods.traditional.jpeg", record)
    method = build_method("jpeg", probability=1.0, quality=[98, 100])
    method.alter(method, Batch(torch.rand(3000, 3, 2, 2), torch.zeros(3000)), torch.Generator().manual_seed(0))
    counts = [seen.count(quality) for quality in (98, 99, 100)]
    assert sum(counts) == 3000
    assert min(counts) > 900


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("two_gen_bta", {}, r"method must be one of .*; got 'two_gen_bta'. Did you mean 'two_gen_bat'"),
        (
            "grad_bat",
            {"kernelsize": 3},
            r"params of the method grad_bat must be among .*'kernelsize'. Did you mean 'ker",
        ),
        ("baseline", {"lam": 1}, r"params of the method baseline must be left out; got 'lam'. Rename or remove it"),
        ("grad_bat", {"lam": -1}, r"lam: input should be greater than or equal to 0; got -1"),
        ("grad_bat", {"clean": "both"}, r"clean: input should be 'with' or 'instead'; got 'both'"),
        ("gen_bat", {"kernel_size": 4}, r"kernel_size: must be odd; got 4"),
        ("gen_bat", {"update": "joint"}, r"update: input should be 'alternating' or 'reversal'; got 'joint'"),
        ("gen_bat", {"adversary_steps": 0}, r"adversary_steps: input should be greater than or equal to 1; got 0"),
        ("jpeg", {"quality": [90, 60]}, r"quality: must be two numbers in ascending order; got"),
        ("gaussian_noise", {"variance": [-1, 3]}, r"variance\.0: input should be greater than or equal to 0; got -1"),
        ("gaussian_blur", {"probability": 2}, r"probability: input should be less than or equal to 1; got 2"),
        ("sladd", {"update": "reversal"}, r"update: input should be 'alternating' or 'joint'; got 'reversal'"),
        ("sladd", {"adversary_steps": 0}, r"adversary_steps: input should be greater than or equal to 1; got 0"),
    ],
)
def test_bad_names_and_values(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_method(name, **arguments)


def test_without_an_adversary_there_is_no_adversary_loss(game: Make) -> None:
    toy = game("baseline")
    with pytest.raises(RuntimeError, match="Baseline has no adversary"):
        toy.method.adversary_loss(toy.detector, toy.batch, toy.rng)
    with pytest.raises(NotImplementedError, match=r"Method must define alter\(\)"):
        Method().alter(toy.detector, toy.batch, toy.rng)
