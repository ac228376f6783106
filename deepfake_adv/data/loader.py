"""Batches for the training loop: sharded over ranks, resumable at any step, equal for any worker count."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from deepfake_adv.data.batch import Batch
from deepfake_adv.data.crop_store import Crops, CropStore
from deepfake_adv.data.manifest import Ints

Plan = Callable[[int], Sequence[Ints] | Ints]

# Where each of the 68 points goes when a face is mirrored.
MIRROR = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
     39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Source:
    """All that a worker needs to make a batch of given rows.

    Attributes:
        store: Decoded crops.
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

    def batch(self, chosen: Ints, key: tuple[int, int], share: slice) -> dict[str, Tensor]:
        """Uint8 parts of a batch, or of one rank's share of it.

        Args:
            chosen: ``(B, K)`` numbers of the plan.
            key: Epoch and step, which together with the seed decide what is mirrored.
            share: The samples that this rank takes.
        """
        flips = np.random.default_rng([self.seed, *key, 2]).random(len(chosen)) < 0.5  # before sharding
        rows = self.rows[chosen[share]]
        crops = self.store.fetch(rows.reshape(-1))
        if self.flip:
            mirror(crops, np.repeat(flips[share], rows.shape[1]))
        images = torch.from_numpy(crops.images).permute(0, 3, 1, 2)  # channels last in memory
        first = rows[:, 0].copy()
        parts = {"images": images, "labels": torch.from_numpy(self.labels[first]), "rows": torch.from_numpy(first)}
        if crops.masks is not None:
            parts["masks"] = torch.from_numpy(crops.masks)[:, None]
        if crops.landmarks is not None:
            parts["landmarks"] = torch.from_numpy(crops.landmarks)
        if rows.shape[1] > 1:
            for name in parts.keys() & {"images", "masks", "landmarks"}:
                parts[name] = parts[name].unflatten(0, rows.shape)
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
    """The same batches in every epoch; a class, since workers must be able to unpickle it.

    Attributes:
        batches: ``(B, K)`` numbers each.
    """

    batches: Sequence[Ints]

    def __call__(self, epoch: int) -> Sequence[Ints]:
        """The batches, whatever the epoch."""
        return self.batches


class _Steps(Dataset[dict[str, Tensor]]):
    """Batches by (epoch, step); the plan of an epoch is made where it is needed, once."""

    def __init__(self, source: Source, plan: Plan, share: slice) -> None:
        self.source, self.plan, self.share = source, plan, share
        self._epoch: int | None = None
        self._planned: Sequence[Ints] | Ints = ()

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        epoch, step = key
        if epoch != self._epoch:
            self._epoch, self._planned = epoch, self.plan(epoch)
        return self.source.batch(self._planned[step], key, self.share)


class _Position(Sampler[tuple[int, int]]):
    """The steps that an epoch still has."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.epoch, self.step = steps, 0, 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter([(self.epoch, step) for step in range(self.step, self.steps)])

    def __len__(self) -> int:
        return self.steps - self.step


class Loader:
    """Iterates over the rest of the current epoch, then stands at the start of the next.

    What a batch holds depends on seed, epoch and step alone: the same for any number of workers, and
    every rank holds every `world`-th sample of the one global batch.

    Args:
        source: Where samples come from.
        plan: From an epoch to the numbers of its batches, ``(steps, B, K)``: `BalancedSampler.plan` or a `FixedPlan`.
        steps: Batches per epoch.
        device: Where batches go.
        workers: Processes that decode; 0 decodes in this one.
        rank: This process's rank.
        world: Number of ranks.
        channels_last: Memory format of the images given.
        persistent: Keep the workers between epochs; otherwise their memory is free in between.
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
        persistent: bool = True,
    ) -> None:
        self.device, self.channels_last = torch.device(device), channels_last
        self.position = _Position(steps)
        self._loader = DataLoader(
            _Steps(source, plan, slice(rank, None, world)),
            batch_size=None,
            sampler=self.position,
            num_workers=workers,
            persistent_workers=persistent and workers > 0,
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
            yield to_batch(parts, self.device, channels_last=self.channels_last)
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
