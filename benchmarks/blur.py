"""Measure the pixel-wise blur against the release's formulation, on the CPU and, where there is one, on the GPU.

    python -m benchmarks.blur [--batch 4] [--size 256] [--kernels 3 5 9 15] [--device cpu|cuda] [--threads 1]

On the CPU the plain path, which every other device and dtype takes, is measured beside it.

Predictions, written down before measuring (k = 9, one CPU thread, times the release): plain path forward 10, map's
gradient 25, both gradients 14; memory saved for backward 1/120. For the path compiled by Numba there was none; the
50, 100 and 50 in the table are what its prototype let expect. On a GPU, batch 32: forward 50 %, both gradients 30 %
of the copy bandwidth, from the instruction counts of the kernels compiled for sm_90; not yet measured.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.common import RESULTS, interleave, machine, print_table, setting
from deepfake_adv.files import write_json
from deepfake_adv.ops import blur as blur_module
from deepfake_adv.ops import blur_plain
from deepfake_adv.ops.blur import blur_pixelwise

Blur = Callable[[Tensor, Tensor, int], Tensor]
MODES = {"forward": (False, False), "map gradient": (False, True), "both gradients": (True, True)}
PREDICTED = {("cpu", "forward"): 50.0, ("cpu", "map gradient"): 100.0, ("cpu", "both gradients"): 50.0}
TARGET = {"cpu": 50.0, "cpu, plain": 10.0}
# Planes of H x W that each mode must move at least: images, map, result; upstream gradient, results' gradients.
PLANES = {"forward": (3, 1, 3), "map gradient": (3, 1, 3, 3, 1), "both gradients": (3, 1, 3, 3, 3, 1)}


def release(images: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """Blur as the release formulates it: k² weight maps on every channel, normalised, then applied."""
    radius, (channels, height, width) = kernel_size // 2, images.shape[1:]
    precision = inverse_sigma.square().expand(-1, channels, -1, -1)
    offsets = [(u, v) for u in range(-radius, radius + 1) for v in range(-radius, radius + 1)]
    weights = []
    for u, v in offsets:
        exponent = torch.full((1, channels, height, width), -(u * u + v * v) / 2, device=images.device)
        weights.append(torch.exp(exponent * precision))
    total = weights[0].clone()
    for weight in weights[1:]:
        total = total + weight
    weights = [weight / total for weight in weights]
    padded = functional.pad(images, [radius] * 4, mode="reflect")
    out = torch.zeros_like(images)
    for (u, v), weight in zip(offsets, weights, strict=True):
        out = out + padded[..., radius + u :, radius + v :][..., :height, :width] * weight
    return out


def ours(images: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """Blur with the library's operator."""
    return blur_pixelwise(images, inverse_sigma, kernel_size=kernel_size)


def run(blur: Blur, images: Tensor, inverse_sigma: Tensor, upstream: Tensor, kernel_size: int, mode: str) -> None:
    """Run one pass of ``mode``, gradients included."""
    image_gradient, map_gradient = MODES[mode]
    images, inverse_sigma = images.detach(), inverse_sigma.detach()
    inputs = [
        tensor.requires_grad_()
        for tensor, wanted in ((images, image_gradient), (inverse_sigma, map_gradient))
        if wanted
    ]
    with torch.set_grad_enabled(bool(inputs)):
        out = blur(images, inverse_sigma, kernel_size)
        if inputs:
            torch.autograd.grad(out, inputs, upstream)


def run_plain(*arguments: Any) -> None:
    """Run a pass on the plain path, whatever the device would choose."""
    with patch.object(blur_module, "_implementation", lambda *_: blur_plain):
        run(*arguments)


def saved_bytes(blur: Blur, images: Tensor, inverse_sigma: Tensor, kernel_size: int) -> int:
    """Count what autograd keeps for both gradients; each storage once."""
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = blur(images.detach().requires_grad_(), inverse_sigma.detach().requires_grad_(), kernel_size)
    del out
    return sum(storages.values())


def measure(device: str, batch: int, size: int, kernels: list[int], repeats: int) -> list[dict[str, object]]:
    """Measure every kernel size and mode; one row each."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(batch, 3, size, size, generator=rng).to(device)
    inverse_sigma = (0.3 + torch.rand(batch, 1, size, size, generator=rng)).to(device)
    upstream = torch.randn(batch, 3, size, size, generator=rng).to(device)
    synchronise = torch.cuda.synchronize if device == "cuda" else lambda: None
    bandwidth = copy_bandwidth(synchronise) if device == "cuda" else None
    rows: list[dict[str, object]] = []
    for kernel_size in kernels:
        saved = [
            saved_bytes(blur, images[:1].clone(), inverse_sigma[:1].clone(), kernel_size) for blur in (release, ours)
        ]
        for mode in MODES:
            arguments = (images, inverse_sigma, upstream, kernel_size, mode)
            functions = {"release": partial(run, release, *arguments), "ours": partial(run, ours, *arguments)}
            if device == "cpu":
                functions["plain"] = partial(run_plain, ours, *arguments)
            times = interleave(functions, repeats=repeats, budget_s=20, primed=True, synchronise=synchronise)
            row: dict[str, object] = {
                "device": device, "k": kernel_size, "mode": mode,
                "release_ms": 1e3 * times["release"], "ours_ms": 1e3 * times["ours"],
                "ratio": times["release"] / times["ours"],
                "predicted": PREDICTED.get((device, mode)) if kernel_size == 9 else None,
                "plain_ratio": times["release"] / times["plain"] if "plain" in times else None,
                "saved_mb": batch * saved[1] / 1e6, "saved_ratio": saved[0] / saved[1],
            }  # fmt: skip
            if bandwidth is not None:
                moved = sum(PLANES[mode]) * images[:, :1].nbytes
                row["copy_share"] = moved / gpu_seconds(functions["ours"]) / bandwidth
                row["peak_ratio"] = peak_bytes(functions["release"]) / peak_bytes(functions["ours"])
            rows.append(row)
    return rows


def copy_bandwidth(synchronise: Callable[[], None]) -> float:
    """Return the device's copy bandwidth in bytes/s, read and written bytes counted."""
    source = torch.empty(2**28, dtype=torch.float32, device="cuda")
    target = torch.empty_like(source)
    times = interleave({"copy": lambda: target.copy_(source)}, repeats=20, warmups=3, synchronise=synchronise)
    return 2 * source.nbytes / times["copy"]


def gpu_seconds(function: Callable[[], object], calls: int = 50) -> float:
    """Return the time that the device works for one call; the gaps in which it waits for Python are left out."""
    function()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(calls):
            function()
        torch.cuda.synchronize()
    return float(sum(event.self_device_time_total for event in profile.key_averages())) * 1e-6 / calls


def peak_bytes(function: Callable[[], object]) -> int:
    """Return the most memory that a call holds beyond what is held already."""
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    function()
    return torch.cuda.max_memory_allocated() - held


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, help="default: 4 on the CPU, 32 on a GPU")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--kernels", type=int, nargs="+", default=[3, 5, 9, 15])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own")
    parser.add_argument("--output", type=Path, help="JSON file; default: in benchmarks/results")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    batch = arguments.batch or (32 if arguments.device == "cuda" else 4)
    rows = measure(arguments.device, batch, arguments.size, arguments.kernels, arguments.rounds)
    print_table(rows)
    facts = {"machine": machine("torch", "triton", "numba"), "setting": {**setting(arguments), "batch": batch}}
    name = f"blur-cpu-{torch.get_num_threads()}" if arguments.device == "cpu" else "blur-cuda"
    path = arguments.output or RESULTS / f"{name}.json"
    write_json(path, {**facts, "target": TARGET, "rows": rows})
    print(f"written to {path}")


if __name__ == "__main__":
    main()
