"""What a run needs before its first step: fabric, detector, method and data, all checked here."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from lightning_fabric import Fabric

from deepfake_adv.data.loader import BatchSource, FixedBatches, Loader
from deepfake_adv.data.manifest import CropTable, read_manifest, select, thin, verify_files
from deepfake_adv.data.sampler import BalancedSampler, covering_samples
from deepfake_adv.data.store import CropStore
from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.execution.memory import memory_of_job
from deepfake_adv.methods.base import Method
from deepfake_adv.methods.registry import build_method
from deepfake_adv.names import FAKE_LABEL, Condition
from deepfake_adv.params.training import Device, Train
from deepfake_adv.parquet import Ints
from deepfake_adv.sources.closure import RegistryEntry, entries_of
from deepfake_adv.training.trained import detector_arguments

logger = logging.getLogger(__name__)

Masks = Literal["needed", "wanted", "none"]


@dataclass(frozen=True)
class Plan:
    """Everything that decides the result of a run.

    Attributes:
        name: Of the run.
        conditions: What it trains on, one detector each.
        detector: Entry of `detectors`: the registry's name and arguments.
        method: Entry of `methods`.
        train: The recipe.
        image_size: Side of the images, pixels.
    """

    name: str
    conditions: tuple[Condition, ...]
    detector: Mapping[str, Any]
    method: Mapping[str, Any]
    train: Train

    @property
    def image_size(self) -> int:
        """Side of the images: the detector's own where its entry names one."""
        return int(self.detector.get("image_size") or self.train.image_size)

    def params(self) -> dict[str, Any]:
        """Nested plain values."""
        return {
            "conditions": [str(condition) for condition in self.conditions],
            "detector": dict(self.detector),
            "method": dict(self.method),
            "train": self.train.model_dump(mode="json"),
        }

    def alone(self, condition: Condition, seed: int) -> Self:
        """The plan of one of its detectors, whose bytes do not depend on what else the run trains."""
        return replace(self, conditions=(condition,), train=self.train.model_copy(update={"seeds": [seed]}))

    def entries(self) -> set[RegistryEntry]:
        """Registry entries that the run builds; with the stage they decide which code it depends on."""
        return entries_of("detector", self.detector) | entries_of("method", self.method)


def make_fabric(device: Device, precision: str) -> Fabric:
    """Start the processes of a run, or join them under torchrun or SLURM.

    Raises:
        ValueError: If CUDA is requested and there are fewer devices than requested.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    accelerator = device.accelerator
    if accelerator == "auto":  # Fabric may choose Apple's GPU, which lacks operations that we need
        accelerator = "cuda" if count else "cpu"
    if accelerator == "cuda" and count < device.devices:
        raise ValueError(
            f"device.devices must be at most the GPUs of this machine ({count}); got {device.devices}. "
            "Lower it, or set device.accelerator to cpu."
        )
    fabric = Fabric(
        accelerator=accelerator,
        devices=device.devices,
        num_nodes=device.nodes,
        strategy=device.strategy,
        precision=precision,  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def build_players(plan: Plan, seed: int) -> tuple[Detector, Method]:
    """Detector and method, initialised from the seed.

    Raises:
        ValueError: If an entry has a wrong name or argument, or a player cannot take the image size.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detector = build_detector(**detector_arguments(plan.detector, plan.image_size))
    detector.check_size(plan.image_size, plan.image_size)
    method = build_method(**plan.method, seed=seed)
    method.check_size(plan.image_size)
    return detector, method


@dataclass(frozen=True, eq=False)
class SplitData:
    """One split of a run's manifest and its decoded crops; `rows` per condition."""

    table: CropTable
    store: CropStore
    rows: Mapping[Condition, Ints]

    def union(self) -> Ints:
        """Rows of all conditions, each once."""
        return np.unique(np.concatenate(list(self.rows.values())))


def open_split(plan: Plan, path: Path, *, masks: Masks, landmarks: bool, frames: int = 0) -> SplitData:
    """Open the crops of a split for the run's conditions.

    Args:
        plan: The run.
        path: The manifest, at <data>/manifests/<tier>/<split>.parquet.
        masks: "needed": every fake must have one; "wanted": read where every fake has one; "none".
        landmarks: The method needs landmarks.
        frames: Frames per video, 0 for all.

    Raises:
        FileNotFoundError: If there is no manifest.
        ValueError: If a class, a file, a mask or all landmarks are missing.
    """
    table = read_manifest(path)
    rows = {condition: thin(table, select(table, condition), frames) for condition in plan.conditions}
    union = np.unique(np.concatenate(list(rows.values())))
    root = Path(path).parents[2]
    verify_files(table, union, root)
    read_masks = masks != "none" and _all_masked(plan, table, union, fatal=masks == "needed")
    if landmarks:
        _check_landmarks(plan, table, union)
    store = CropStore(
        table, root, image_size=plan.image_size, masks=read_masks, landmarks=landmarks,
        corrupt=plan.train.corrupt,
    )  # fmt: skip
    return SplitData(table, store, rows)


def _all_masked(plan: Plan, table: CropTable, rows: Ints, *, fatal: bool) -> bool:
    fakes = rows[table.labels[rows] == FAKE_LABEL]
    without = fakes[~np.asarray(table.columns["has_mask"])[fakes]]
    if len(without):
        message = (
            f"every fake must have a mask to train {plan.detector['name']} with {plan.method['name']}; got "
            f"{len(without)} of {len(fakes)} without, e.g. {table.strings('video')[without[0]]}. Set crop.masks to "
            "true, or choose conditions whose forgeries have mask videos."
        )
        if fatal:
            raise ValueError(message)
        logger.warning("%s Trains without masks.", message)
    return not len(without)


def _check_landmarks(plan: Plan, table: CropTable, rows: Ints) -> None:
    _, sizes, _ = table.ranges("landmarks")
    if not (sizes[rows] > 0).any():
        raise ValueError(
            f"landmarks must be known to train with {plan.method['name']}; got none in {len(rows)} crops. "
            "Set locate.landmarks to dlib or face_alignment and run `dvc repro`."
        )


def hold_in_memory(splits: Sequence[SplitData], *, processes: int) -> None:
    """Decode the crops of all conditions and keep them, if those of all splits fit into memory.

    Args:
        splits: What `open_split` gave.
        processes: Of this run on this machine; each keeps all crops.

    Raises:
        ValueError: If memory is too small; before anything is decoded.
        CorruptCrop: If a crop cannot be read; see `CropStore.keep_in_memory`.
    """
    unions = [split.union() for split in splits]
    need = processes * sum(split.store.memory_size(len(rows)) for split, rows in zip(splits, unions, strict=True))
    room = memory_of_job()
    if room is not None and need > room.available:
        raise ValueError(
            f"device.cache must be none where crops outgrow memory; got memory for {sum(map(len, unions))} crops of "
            f"{splits[0].store.image_size} px in {processes} processes, {need / 2**30:.1f} GiB, and this job may take "
            f"{room.available / 2**30:.1f}. Set device.cache to none and device.workers to the number of cores, or "
            "lower JOBS."
        )
    for split, rows in zip(splits, unions, strict=True):
        split.store.keep_in_memory(rows)


def train_loader(
    plan: Plan,
    data: SplitData,
    condition: Condition,
    seed: int,
    *,
    clip_length: int,
    fabric: Fabric,
    device: Device,
    batches_per_step: int = 1,
) -> Loader:
    """Balanced batches of a condition, this rank's share.

    A step of several batches takes the one that it would take alone, and others that no epoch takes alone.
    """
    rows, table, train = data.rows[condition], data.table, plan.train
    sampler = BalancedSampler(
        table.labels[rows], table.videos[rows], table.frames[rows], table.groups[rows],
        batch_size=train.batch_size, steps=train.steps_per_epoch, mode=train.sampling,
        clip_length=clip_length, pool=train.pool, seed=seed, targets=table.targets()[rows],
    )  # fmt: skip
    source = BatchSource(data.store, rows, table.labels, flip=train.flip, seed=seed)

    def batches(epoch: int) -> Ints:
        draws = [sampler.batches(epoch + draw * train.epochs) for draw in range(batches_per_step)]
        return np.concatenate(draws, axis=1)

    return Loader(
        source, batches, sampler.steps, device=fabric.device, channels_last=device.channels_last,
        workers=0 if device.cache == "memory" else device.workers, rank=fabric.global_rank, world=fabric.world_size,
    )  # fmt: skip


def validation_loader(
    plan: Plan, data: SplitData, condition: Condition, *, clip_length: int, fabric: Fabric, device: Device
) -> Loader:
    """Every validation sample of a condition once, this rank's share."""
    table = data.table
    samples = covering_samples(table.videos, table.frames, data.rows[condition], clip_length)
    samples = samples[fabric.global_rank :: fabric.world_size]
    size = max(2 * plan.train.batch_size // (fabric.world_size * plan.train.accumulate), 1)
    batches = [samples[start : start + size] for start in range(0, len(samples), size)]
    source = BatchSource(data.store, np.arange(len(data.table)), data.table.labels)
    return Loader(
        source, FixedBatches(batches), len(batches), device=fabric.device, channels_last=device.channels_last,
        workers=0 if device.cache == "memory" else device.workers,
    )  # fmt: skip
