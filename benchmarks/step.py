"""Measure one training step of every method as a ratio to the baseline's, and the release's procedure beside it.

    python -m benchmarks.step [--detector timm:efficientnet_b4] [--size 128] [--batch 8] [--rounds 3] [--device cpu]
                              [--methods baseline grad_bat two_gen_bat] [--precision bf16-mixed] [--compile]

Same detector, images and optimiser for all, interleaved medians. A step is the training loop's own: the adversary's
steps, the detector's loss, backward passes, optimisers; in its default memory format, channels last. The release's
procedure runs as its code does: channels first, in float32, never compiled.

Predictions, written down before measuring, counted in detector passes (plain 3): grad_* 2.7 and the blurs, gen_*
alternating 2.7 and the generators, by reversal 2.0 and the generators, augmentations 1.0.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.blur import release as release_blur
from benchmarks.common import RESULTS, interleave, machine, print_table, setting
from benchmarks.recipe import place, recipe
from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import write_json
from deepfake_adv.generators.resnet import ResnetGenerator
from deepfake_adv.methods.base import Method
from deepfake_adv.methods.registry import METHODS, build_method
from deepfake_adv.ops.blur import blur_pixelwise
from deepfake_adv.training.setup import make_fabric
from deepfake_adv.training.step import TrainingStep

LIMITS = {"grad_bat": 3.0, "two_gen_bat": 3.2, "two_gen_bat (reversal)": 2.6}
ALONE = {  # what generators and blur take of a step is measured apart; the rest are passes of the detector
    "two_gen_bat": ("generators and blur alone", True),
    "two_gen_bat (reversal)": ("generators and blur alone (reversal)", False),
}
RIVALS = {
    "grad_bat": "release, gradient",
    "two_gen_bat": "release, two generators",
    "two_gen_bat (reversal)": "release, two generators",
}
GENERATIVE = ("gen_bat", "two_gen_bat", "combined_at")


def optimiser(*modules: nn.Module | None) -> torch.optim.Optimizer:
    """RAdam over all parameters."""
    weights = chain.from_iterable(module.parameters() for module in modules if module is not None)
    return torch.optim.RAdam(weights, lr=5e-4, weight_decay=5e-4, decoupled_weight_decay=True)


def our_step(detector: Detector, method: Method, batch: Batch, arguments: argparse.Namespace) -> Callable[[], object]:
    """A step of the training loop itself."""
    train = recipe(size=arguments.size, batch=arguments.batch, precision=arguments.precision)
    fabric = make_fabric(place(arguments.device), arguments.precision)
    step = TrainingStep(fabric, detector, method, train, seed=0, channels_last=True, compiled=arguments.compile)
    return lambda: step.run(batch, 0)


def rescaled(maps: Tensor) -> Tensor:
    """Maps of norm 100 each, as the release keeps its 1 / sigma squared."""
    result: Tensor = 100 * maps / maps.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return result


def release_train(detector: Detector, update: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> None:
    """The release's detector step, and its second scoring of the same images for the log."""
    update.zero_grad()
    functional.cross_entropy(detector(images), labels).backward()
    update.step()
    with torch.no_grad():
        detector.eval()
        detector(images)
        detector.train()


def release_grad(detector: Detector, batch: Batch, kernel_size: int) -> Callable[[], None]:
    """The release's gradient branch with blur: three channels, halves in turn."""
    update, halves = optimiser(detector), [batch.split(label) for label in (0, 1)]

    def step() -> None:
        detector.eval().requires_grad_(False)
        blurred = []
        for half in halves:
            maps = rescaled(torch.ones_like(half.images)).requires_grad_()
            logits = detector(release_blur(half.images, maps.sqrt(), kernel_size))
            (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, half.labels), maps)
            with torch.no_grad():
                moved = rescaled(maps + 10 * gradient).clamp_min(0)
                blurred.append(release_blur(half.images, moved.sqrt(), kernel_size))
        detector.train().requires_grad_(True)
        images = torch.cat([*(half.images for half in halves), *blurred])
        release_train(detector, update, images, torch.cat([half.labels for half in halves] * 2))

    return step


def release_player(arguments: Mapping[str, Any]) -> ResnetGenerator:
    """A generator whose last layer is one plain convolution, as the release's."""
    player = ResnetGenerator(**arguments)
    player.head = nn.Conv2d(player.head.in_channels, 1, player.head.kernel_size)  # type: ignore[assignment,arg-type]
    return player


def release_generators(
    detector: Detector, batch: Batch, kernel_size: int, arguments: Mapping[str, Any]
) -> Callable[[], None]:
    """The release's generator branch: squared maps clamped at 1, one generator step, halves in turn."""
    device = batch.images.device
    players = [release_player(arguments).to(device) for _ in range(2)]
    update, mine = optimiser(detector), optimiser(*players)
    halves = [batch.split(label) for label in (0, 1)]

    def blurred() -> list[Tensor]:
        maps = [player(half.images).clamp_min(1) for player, half in zip(players, halves, strict=True)]
        return [release_blur(half.images, found, kernel_size) for half, found in zip(halves, maps, strict=True)]

    def step() -> None:
        detector.eval().requires_grad_(False)
        mine.zero_grad()
        for images, half in zip(blurred(), halves, strict=True):
            (-functional.cross_entropy(detector(images), half.labels)).backward()
        mine.step()
        detector.train().requires_grad_(True)
        with torch.no_grad():
            fooling = blurred()
        images = torch.cat([*(half.images for half in halves), *fooling])
        release_train(detector, update, images, torch.cat([half.labels for half in halves] * 2))

    return step


def adversary_alone(
    batch: Batch, generator: Mapping[str, Any], arguments: argparse.Namespace, *, alternating: bool
) -> Callable[[], None]:
    """What two_gen_bat adds besides detector passes: generators and blur with gradients, alternating also without."""
    player = ResnetGenerator(**generator).to(arguments.device).to(memory_format=torch.channels_last)
    fabric = make_fabric(place(arguments.device), arguments.precision)

    def blurred() -> Tensor:
        with fabric.autocast():
            return blur_pixelwise(batch.images, player(batch.images), kernel_size=arguments.kernel_size)

    def step() -> None:
        blurred().sum().backward()
        if alternating:
            with torch.no_grad():
                blurred()

    return step


def toy_batch(size: int, count: int, device: str) -> Batch:
    """Random faces of no one, half real and half fake, with landmarks spread over the image."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, size, size, generator=rng)
    landmarks = (0.2 + 0.6 * torch.rand(68, 2, generator=rng)).expand(count, -1, -1) * size
    masks = torch.zeros(count, 1, size, size)
    return Batch(images, torch.arange(count) % 2, masks, landmarks.clone()).to(device)


def contestants(arguments: argparse.Namespace) -> dict[str, Callable[[], object]]:
    """Every method's step, the release's, and the adversary's part alone."""
    untrained = {"pretrained": False} if arguments.detector.startswith(("timm:", "efficientnet", "xception")) else {}
    fresh = partial(build_detector, arguments.detector, **untrained)
    plain = toy_batch(arguments.size, arguments.batch, arguments.device)
    batch = replace(plain, images=plain.images.contiguous(memory_format=torch.channels_last))  # as the loader gives it
    generator = {"blocks": arguments.blocks, "width": arguments.width}
    steps: dict[str, Callable[[], object]] = {}
    for name in dict.fromkeys(["baseline", *arguments.methods]):
        given = {"generator": generator} if name in GENERATIVE else {}
        if name in (*GENERATIVE, "grad_bat"):
            given["kernel_size"] = arguments.kernel_size
        steps[name] = our_step(fresh(), build_method(name, seed=0, **given), batch, arguments)
        if name in GENERATIVE:
            turned = build_method(name, seed=0, update="reversal", **given)
            steps[f"{name} (reversal)"] = our_step(fresh(), turned, batch, arguments)
    theirs = (fresh().to(arguments.device) for _ in range(2))
    steps["release, gradient"] = release_grad(next(theirs), plain, arguments.kernel_size)
    steps["release, two generators"] = release_generators(next(theirs), plain, arguments.kernel_size, generator)
    for name, alternating in ALONE.values():
        steps[name] = adversary_alone(batch, generator, arguments, alternating=alternating)
    return steps


def compare(seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Medians as ratios to the baseline's and the release's."""
    return [
        {
            "step": name,
            "ratio to baseline": value / seconds["baseline"],
            "detector passes": (value - seconds[ALONE[name][0]]) / seconds["baseline"] if name in ALONE else None,
            "limit": LIMITS.get(name),
            "generators and blur": seconds[ALONE[name][0]] / value if name in ALONE else None,
            "times faster than the release": seconds[RIVALS[name]] / value if name in RIVALS else None,
        }
        for name, value in seconds.items()
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--detector", default="timm:efficientnet_b4")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="besides the baseline")
    parser.add_argument("--kernel-size", type=int, default=9)
    parser.add_argument("--width", type=int, default=64, help="of the generators")
    parser.add_argument("--blocks", type=int, default=3, help="of the generators")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="32-true", help="of our steps; the release's is 32-true")
    parser.add_argument("--compile", action="store_true", help="our detectors")
    parser.add_argument("--output", type=Path, help="JSON file; default: in benchmarks/results")
    arguments = parser.parse_args()

    torch.manual_seed(0)
    wait = torch.cuda.synchronize if arguments.device == "cuda" else (lambda: None)
    seconds = interleave(contestants(arguments), repeats=arguments.rounds, primed=True, synchronise=wait)
    rows = compare(seconds)
    print_table(rows)
    facts = {"machine": machine("torch", "timm"), "setting": setting(arguments), "rows": rows}
    path = arguments.output or RESULTS / f"step-{arguments.device}.json"
    write_json(path, facts)
    print(path)


if __name__ == "__main__":
    main()
