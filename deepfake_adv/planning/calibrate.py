"""Time, on this device, the training step of every detector with every method of a profile's runs, and its studies."""

import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.log import progress
from deepfake_adv.params.schema import Params
from deepfake_adv.params.training import Device, recipe
from deepfake_adv.planning.calibrate_studies import Timed, time_attack, time_robustness
from deepfake_adv.planning.calibration import FILE, Finding, Pair, keep, read_findings, share, torch_version, untrained
from deepfake_adv.planning.studies import STUDIES
from deepfake_adv.training.checkpoint import WEIGHTS, save_checkpoint, save_weights
from deepfake_adv.training.device import device_name
from deepfake_adv.training.setup import Plan, build_players, make_fabric
from deepfake_adv.training.step import TrainingStep
from deepfake_adv.training.validate import fake_probabilities

logger = logging.getLogger(__name__)

STEPS: Final = 5
"""Timed steps; one untimed step comes first."""

_PATIENCE = 60.0  # seconds after which no further step of a slow pair is timed
_LANDMARKS = 68


def calibrate(params: Params, pairs: Iterable[Pair], *, path: Path = FILE, steps: int = STEPS) -> list[Finding]:
    """Time each pair that was not timed on this device, with this torch and this code; save each result at once.

    If interrupted, the same call continues with the unfinished pair.

    Args:
        params: Params of a profile.
        pairs: The pairs that its runs need; duplicates are allowed.
        path: File for the results.
        steps: Timed steps.

    Returns:
        The new results.

    Raises:
        ValueError: If the device does not exist, or a network cannot be built.
        RuntimeError: If a step does not fit the device's memory.
    """
    fabric = make_fabric(_one(params.device), params.train.precision)
    name = device_name(fabric.device)
    known = {(each.digest, each.device, each.torch) for each in read_findings(path)}
    distinct = {pair.digest: pair for pair in pairs}
    waiting = [pair for pair in distinct.values() if (pair.digest, name, torch_version()) not in known]
    logger.info("%d of %d pairs are to be timed on %s", len(waiting), len(distinct), name)
    threads = torch.get_num_threads()
    found = []
    try:
        if fabric.device.type == "cpu":
            torch.set_num_threads(1)  # as train-all runs without GPUs: one run per core
        for pair in progress(waiting, total=len(waiting), desc="calibrate", unit="pairs"):
            if pair.detector in STUDIES and not pair.method:
                finding = _measure_study(params, pair, fabric, name)
                logger.info("%s: %.3g s an image", pair.detector, finding.image)
            else:
                finding = _measure(params, pair, fabric, name, path.parent, steps)
                logger.info("%s with %s: %.3g s a step", pair.detector, pair.method, finding.step)
            keep(finding, path)
            found.append(finding)
    finally:
        torch.set_num_threads(threads)
    return found


def _one(device: Device) -> Device:
    return device.model_copy(update={"devices": 1, "nodes": 1, "strategy": "auto"})


def _measure(params: Params, pair: Pair, fabric: Any, name: str, folder: Path, steps: int) -> Finding:
    device, timed = fabric.device, _prepare(fabric.device)
    own = recipe(params.train, params.runs[pair.run]) if pair.run else params.train
    train = own.model_copy(update={"batch_size": share(own, params.device)})
    entries = params.detectors[pair.detector].model_dump(), params.methods[pair.method].model_dump()
    plan = Plan(pair.detector, (), untrained(entries[0]), untrained(entries[1]), train)
    players: list[Any] = []
    build = timed(lambda: players.extend(build_players(plan, seed=0)))
    detector, method = players
    masks, clip = detector.needs_masks or method.wants_masks, detector.clip_length
    training = TrainingStep(
        fabric, detector, method, train,
        seed=0, channels_last=params.device.channels_last, compiled=params.device.compile,
    )  # fmt: skip
    count = train.batch_size * method.batches_per_step
    batch = made_up(count, clip, plan.image_size, masks=masks, channels_last=params.device.channels_last).to(device)

    first = timed(lambda: training.run(batch, 0))
    step = _median(lambda number: timed(lambda: training.run(batch, number + 1)), steps)
    image = _median(lambda _: timed(lambda: _score(training.detector, batch, fabric)), steps) / len(batch)
    save, weights = _saved(training, folder, timed)
    measured = {"step": step, "image": image, "build": build, "warm": max(first - step, 0.0), "save": save}
    return _finding(pair, device, name, **measured, clip_length=clip, weights_bytes=weights)


def _measure_study(params: Params, pair: Pair, fabric: Any, name: str) -> Finding:
    measure = time_attack if pair.detector == "attack" else time_robustness
    build, step, image = measure(params, fabric.device, _prepare(fabric.device))
    nothing = {"warm": 0.0, "save": 0.0, "clip_length": 1, "weights_bytes": 0}
    return _finding(pair, fabric.device, name, step=step, image=image, build=build, **nothing)


def _finding(pair: Pair, device: torch.device, name: str, **measured: Any) -> Finding:
    cuda = device.type == "cuda"
    return Finding(
        digest=pair.digest,
        device=name,
        kind=device.type,
        torch=torch_version(),
        host_bytes=peak_bytes(),
        gpu_bytes=torch.cuda.max_memory_reserved(device) if cuda else 0,
        gpu_total_bytes=torch.cuda.mem_get_info(device)[1] if cuda else 0,
        **measured,
    )


def _prepare(device: torch.device) -> Timed:
    """Forget the peaks of memory; gives what measures seconds on the device."""
    cuda = device.type == "cuda"
    clock = time.perf_counter if cuda else time.process_time
    wait: Callable[[], None] = torch.cuda.synchronize if cuda else (lambda: None)
    forget_peak()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)

    def timed(work: Callable[[], object]) -> float:
        wait()
        begin = clock()
        work()
        wait()
        return clock() - begin

    return timed


def _score(detector: Detector, batch: Batch, fabric: Any) -> None:
    fake_probabilities(detector, [batch], fabric.autocast)


def _median(measured: Callable[[int], float], times: int) -> float:
    """Median of several measurements, of fewer if they are slow."""
    begin, values = time.monotonic(), []
    for number in range(times):
        values.append(measured(number))
        if time.monotonic() - begin > _PATIENCE:
            break
    return statistics.median(values)


def _saved(training: TrainingStep, folder: Path, timed: Timed) -> tuple[float, int]:
    """Seconds for a checkpoint and the weights, and bytes of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="calibrate-") as name:
        place, modules = Path(name), [training.detector, training.method.adversary]

        def save() -> None:
            save_checkpoint(place / "checkpoint.pt", {"training": training.state_dict()}, {})
            for number, module in enumerate(modules):
                if module is not None:
                    save_weights(place / f"{number}-{WEIGHTS}", module)

        seconds = timed(save)
        return seconds, sum(path.stat().st_size for path in place.glob(f"*-{WEIGHTS}"))


def made_up(count: int, clip: int, size: int, *, masks: bool, channels_last: bool = False) -> Batch:
    """Random images as the loader gives them: reals first, landmarks within the image.

    Args:
        count: Images or clips, even.
        clip: Frames of a clip; 1 for images.
        size: Side, pixels.
        masks: Whether to add masks.
        channels_last: Memory format of images.
    """
    rng = torch.Generator().manual_seed(0)
    many = (count,) if clip == 1 else (count, clip)
    images = torch.rand(*many, 3, size, size, generator=rng)
    if channels_last and clip == 1:
        images = images.contiguous(memory_format=torch.channels_last)
    labels = (torch.arange(count) >= count // 2).long()
    points = (0.2 + 0.6 * torch.rand(_LANDMARKS, 2, generator=rng)) * size
    return Batch(
        images, labels, torch.zeros(*many, 1, size, size) if masks else None,
        points.expand(*many, -1, -1).clone(), torch.arange(count),
    )  # fmt: skip


def forget_peak() -> None:
    """Reset the kernel's record of this process's peak memory; no effect where the kernel does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        logger.debug("the peak memory cannot be reset")


def peak_bytes() -> int:
    """Peak resident memory of this process; 0 on a system that does not report it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
