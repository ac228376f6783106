"""Batches for the training loop: sharded over ranks, resumable at any step, equal for any worker count."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from deepfake_adv.crops.crop_decoder import Crops, Fault, Order
from deepfake_adv.data.batch import Batch
from deepfake_adv.data.crop_store import CropStore
from deepfake_adv.parquet import Ints

Plan = Callable[[int], Sequence[Ints] | Ints]

# Where each of the 68 points goes when a face is mirrored.
MIRROR = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
     39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ordered:
    """A batch as it is sent to a worker, or one rank's share of it.

    Attributes:
        crops: Crops of all samples, one after the other.
        labels: ``(B,)`` label of each sample.
        length: Frames per sample.
        flips: ``(B * length,)`` which crops are mirrored.
    """

    crops: Order
    labels: Ints
    length: int
    flips: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Source:
    """Says what a batch of given rows is made of. Stays in its process: workers get orders, not tables.

    Attributes:
        store: Where crops lie.
        rows: Rows of the manifest that a plan's numbers stand for.
        labels: Label of each manifest row.
        flip: Mirror half of the images at random.
        seed: Of the mirroring.
    """

    store: CropStore
    rows: Ints
    labels: Ints
    flip: bool = False
    seed: int = 0

    def order(self, chosen: Ints, key: tuple[int, int], share: slice) -> Ordered:
        """What a batch, or one rank's share of it, is made of.

        Args:
            chosen: ``(B, K)`` numbers of the plan.
            key: Epoch and step, which together with the seed decide what is mirrored.
            share: The samples that this rank takes.
        """
        flips = np.random.default_rng([self.seed, *key, 2]).random(len(chosen)) < 0.5  # before sharding
        rows = self.rows[chosen[share]]
        flips = np.repeat(flips[share] & self.flip, rows.shape[1])
        return Ordered(self.store.order(rows.reshape(-1)), self.labels[rows[:, 0]], rows.shape[1], flips)

    def mend(self, parts: dict[str, Any]) -> dict[str, Tensor]:
        """Put into a batch what is shown in place of crops that could not be read.

        Raises:
            CorruptCrop: If the store says that such a crop is fatal; see `CropStore.in_place_of`.
        """
        for fault, flipped in parts.pop("faults"):
            other = self.store.in_place_of(Fault(*fault))
            if other is None:
                continue
            mirror(other, np.array([flipped]))
            shape = parts["images"].shape[:-3]
            place = tuple(int(index) for index in np.unravel_index(fault[0], tuple(shape)))
            for name, part in _tensors(other).items():
                parts[name][place] = part[0]
        return parts


def make_batch(ordered: Ordered, decode: Callable[[Order], tuple[Crops, list[Fault]]]) -> dict[str, Any]:
    """Uint8 parts of a batch, and under `faults` what could not be read and whether it is mirrored."""
    crops, faults = decode(ordered.crops)
    mirror(crops, ordered.flips)
    first = ordered.crops.rows[:: ordered.length].copy()
    parts: dict[str, Any] = _tensors(crops)
    if ordered.length > 1:
        parts = {name: part.unflatten(0, (-1, ordered.length)) for name, part in parts.items()}
    parts |= {"labels": torch.from_numpy(ordered.labels), "rows": torch.from_numpy(first)}
    return {**parts, "faults": [(tuple(fault), bool(ordered.flips[fault.place])) for fault in faults]}


def _tensors(crops: Crops) -> dict[str, Tensor]:
    parts = {"images": torch.from_numpy(crops.images).permute(0, 3, 1, 2)}  # channels last in memory
    if crops.masks is not None:
        parts["masks"] = torch.from_numpy(crops.masks)[:, None]
    if crops.landmarks is not None:
        parts["landmarks"] = torch.from_numpy(crops.landmarks)
    return parts


def mirror(crops: Crops, chosen: np.ndarray) -> None:
    """Mirror the chosen images left to right, with their masks and landmarks."""
    crops.images[chosen] = crops.images[chosen, :, ::-1]
    if crops.masks is not None:
        crops.masks[chosen] = crops.masks[chosen, :, ::-1]
    if crops.landmarks is not None:
        moved = crops.landmarks[chosen][:, MIRROR]
        moved[..., 0] = crops.images.shape[2] - 1 - moved[..., 0]
        crops.landmarks[chosen] = moved


@dataclass(frozen=True, eq=False)
class FixedPlan:
    """The same batches in every epoch.

    Attributes:
        batches: ``(B, K)`` numbers each.
    """

    batches: Sequence[Ints]

    def __call__(self, epoch: int) -> Sequence[Ints]:
        """The batches, whatever the epoch."""
        return self.batches


class _Batches(Dataset[dict[str, Any]]):
    """Batches by their orders; holds nothing but what decodes."""

    def __init__(self, decode: Callable[[Order], tuple[Crops, list[Fault]]]) -> None:
        self.decode = decode

    def __getitem__(self, ordered: Ordered) -> dict[str, Any]:
        return make_batch(ordered, self.decode)


class _Position(Sampler[Ordered]):
    """Orders of the batches that an epoch still has, each made when a worker is free for it."""

    def __init__(self, source: Source, plan: Plan, steps: int, share: slice) -> None:
        super().__init__()
        self.source, self.plan, self.share = source, plan, share
        self.steps, self.epoch, self.step = steps, 0, 0

    def __iter__(self) -> Iterator[Ordered]:
        epoch, planned = self.epoch, self.plan(self.epoch)
        steps = range(self.step, self.steps)
        return (self.source.order(planned[step], (epoch, step), self.share) for step in steps)

    def __len__(self) -> int:
        return self.steps - self.step


class Loader:
    """Iterates over the rest of the current epoch, then stands at the start of the next.

    Tables and plans stay in this process: a worker is sent the files and byte ranges of each batch, and holds no more
    than the batches that it makes. Workers are kept between epochs. What a batch holds depends on seed, epoch and step
    alone: the same for any number of workers, and every rank holds every `world`-th sample of the one global batch.

    Args:
        source: Where samples come from.
        plan: From an epoch to the numbers of its batches, ``(steps, B, K)``: `BalancedSampler.plan` or a `FixedPlan`.
        steps: Batches per epoch.
        device: Where batches go.
        workers: Processes that decode; 0 decodes in this one, from memory where the store remembers.
        rank: This process's rank.
        world: Number of ranks.
        channels_last: Memory format of the images given.
    """

    def __init__(
        self,
        source: Source,
        plan: Plan,
        steps: int,
        *,
        device: torch.device | str = "cpu",
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        channels_last: bool = False,
    ) -> None:
        self.device, self.channels_last = torch.device(device), channels_last
        self.source = source
        self.position = _Position(source, plan, steps, slice(rank, None, world))
        self._loader = DataLoader(
            _Batches(source.store.decoder.decode if workers else source.store.decode),
            batch_size=None,
            sampler=self.position,
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=4 if workers else None,
            multiprocessing_context="spawn" if workers else None,  # OpenCV and CUDA dislike being forked
            worker_init_fn=_single_threaded if workers else None,
            pin_memory=self.device.type == "cuda",
        )

    def __len__(self) -> int:
        """Batches that the current epoch still has."""
        return len(self.position)

    @property
    def epoch(self) -> int:
        """Epoch of the next batch."""
        return self.position.epoch

    @property
    def step(self) -> int:
        """Step within the epoch of the next batch."""
        return self.position.step

    def __iter__(self) -> Iterator[Batch]:
        for parts in self._loader:
            self.position.step += 1
            yield to_batch(self.source.mend(parts), self.device, channels_last=self.channels_last)
        self.position.epoch, self.position.step = self.position.epoch + 1, 0

    def state_dict(self) -> dict[str, int]:
        """Position after the last batch given."""
        return {"epoch": self.position.epoch, "step": self.position.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a position."""
        self.position.epoch, self.position.step = int(state["epoch"]), int(state["step"])


def to_batch(parts: dict[str, Tensor], device: torch.device, *, channels_last: bool) -> Batch:
    """Move uint8 parts to the device and turn images and masks to [0, 1] there."""
    moved = {name: part.to(device, non_blocking=True) for name, part in parts.items()}
    images = moved["images"].to(torch.float32).div_(255)
    if not channels_last:
        images = images.contiguous()
    masks = moved.get("masks")
    return Batch(
        images,
        moved["labels"],
        None if masks is None else masks.to(torch.float32).div_(255),
        moved.get("landmarks"),
        moved["rows"],
    )


def _single_threaded(worker: int) -> None:
    """One thread per worker: the workers are the parallelism."""
    cv2.setNumThreads(0)
