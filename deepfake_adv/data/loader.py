"""Batches for the training loop: sharded over ranks, resumable at any step, equal for any number of workers.

torchdata's `StatefulDataLoader` is not used: it saves a state per worker, so a run could not be resumed with another
number of workers. Here a batch depends on seed, epoch and step alone, so the two numbers are the whole state.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from deepfake_adv.data.batch import Batch
from deepfake_adv.data.store import CropRequest, Crops, CropStore, FailedCrop
from deepfake_adv.parquet import Ints

EpochBatches = Callable[[int], Sequence[Ints] | Ints]
"""From an epoch to its batches: indices into `BatchSource.rows`, ``(B, K)`` each."""

Decode = Callable[[CropRequest], tuple[Crops, list[FailedCrop]]]

# The landmark that each of the 68 points becomes when a face is mirrored.
MIRROR = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
     39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class BatchRequest:
    """What a worker needs to make a batch, or one rank's share of it.

    Attributes:
        crops: Crops of all samples, one after the other.
        labels: ``(B,)`` label of each sample.
        length: Frames per sample.
        mirrored: ``(B * length,)`` which crops are mirrored.
    """

    crops: CropRequest
    labels: Ints
    length: int
    mirrored: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BatchSource:
    """The samples that batches are made from. It stays in its process: workers get requests, not tables.

    Attributes:
        store: The crops.
        rows: Rows of the manifest that the indices of `EpochBatches` refer to.
        labels: Label of each manifest row.
        flip: Mirror half of the images at random.
        seed: Of the mirroring.
    """

    store: CropStore
    rows: Ints
    labels: Ints
    flip: bool = False
    seed: int = 0

    def request(self, chosen: Ints, key: tuple[int, int], share: slice) -> BatchRequest:
        """The request for a batch, or for one rank's share of it.

        Args:
            chosen: ``(B, K)`` indices of a batch.
            key: Epoch and step, which together with the seed decide what is mirrored.
            share: The samples that this rank takes.
        """
        mirrored = np.random.default_rng([self.seed, *key, 2]).random(len(chosen)) < 0.5  # before sharding
        rows = self.rows[chosen[share]]
        mirrored = np.repeat(mirrored[share] & self.flip, rows.shape[1])
        return BatchRequest(self.store.request(rows.reshape(-1)), self.labels[rows[:, 0]], rows.shape[1], mirrored)

    def substitute(self, arrays: dict[str, Any]) -> dict[str, Tensor]:
        """Replace the crops of a batch that could not be read.

        Args:
            arrays: As `make_arrays` gives them; its item `failed` is removed.

        Raises:
            CorruptCrop: If such a crop is an error, or no substitute can be read; see `CropStore.substitute`.
        """
        for failed, mirrored in arrays.pop("failed"):
            other = self.store.substitute(FailedCrop(*failed))
            if other is None:
                continue
            mirror(other, np.array([mirrored]))
            shape = arrays["images"].shape[:-3]
            index = tuple(int(k) for k in np.unravel_index(failed[0], tuple(shape)))
            for name, array in _tensors(other).items():
                arrays[name][index] = array[0]
        return arrays


def make_arrays(request: BatchRequest, decode: Decode) -> dict[str, Any]:
    """A batch as uint8 arrays by name, and under `failed` each crop that could not be read and if it is mirrored."""
    crops, failed = decode(request.crops)
    mirror(crops, request.mirrored)
    first = request.crops.rows[:: request.length].copy()
    arrays: dict[str, Any] = _tensors(crops)
    if request.length > 1:
        arrays = {name: array.unflatten(0, (-1, request.length)) for name, array in arrays.items()}
    arrays |= {"labels": torch.from_numpy(request.labels), "rows": torch.from_numpy(first)}
    return {**arrays, "failed": [(tuple(crop), bool(request.mirrored[crop.position])) for crop in failed]}


def _tensors(crops: Crops) -> dict[str, Tensor]:
    tensors = {"images": torch.from_numpy(crops.images).permute(0, 3, 1, 2)}  # channels last in memory
    if crops.masks is not None:
        tensors["masks"] = torch.from_numpy(crops.masks)[:, None]
    if crops.landmarks is not None:
        tensors["landmarks"] = torch.from_numpy(crops.landmarks)
    return tensors


def mirror(crops: Crops, chosen: NDArray[np.bool_]) -> None:
    """Mirror the chosen images left to right in place, with their masks and landmarks.

    torchvision's flips take a whole tensor and do not renumber the landmarks.
    """
    crops.images[chosen] = crops.images[chosen, :, ::-1]
    if crops.masks is not None:
        crops.masks[chosen] = crops.masks[chosen, :, ::-1]
    if crops.landmarks is not None:
        moved = crops.landmarks[chosen][:, MIRROR]
        moved[..., 0] = crops.images.shape[2] - 1 - moved[..., 0]
        crops.landmarks[chosen] = moved


@dataclass(frozen=True, eq=False)
class FixedBatches:
    """The same batches in every epoch.

    Attributes:
        batches: ``(B, K)`` indices each.
    """

    batches: Sequence[Ints]

    def __call__(self, epoch: int) -> Sequence[Ints]:
        """The batches; the same for every epoch."""
        return self.batches


class _Batches(Dataset[dict[str, Any]]):
    """Batches by their requests; holds only the function that decodes."""

    def __init__(self, decode: Decode) -> None:
        self.decode = decode

    def __getitem__(self, request: BatchRequest) -> dict[str, Any]:
        return make_arrays(request, self.decode)


class _RemainingBatches(Sampler[BatchRequest]):
    """Requests for the batches that an epoch still has, each made when a worker is free for it."""

    def __init__(self, source: BatchSource, batches: EpochBatches, steps: int, share: slice) -> None:
        super().__init__()
        self.source, self.batches, self.share = source, batches, share
        self.steps, self.epoch, self.step = steps, 0, 0

    def __iter__(self) -> Iterator[BatchRequest]:
        epoch, batches = self.epoch, self.batches(self.epoch)
        steps = range(self.step, self.steps)
        return (self.source.request(batches[step], (epoch, step), self.share) for step in steps)

    def __len__(self) -> int:
        return self.steps - self.step


class Loader:
    """Iterates over the rest of the current epoch, then moves to the start of the next.

    Tables stay in this process: a worker is sent the files and byte ranges of each batch, and holds only the batches
    that it makes. Workers are kept between epochs. A batch depends on seed, epoch and step alone: it is the same for
    any number of workers, and every rank gets every `world`-th sample of the one global batch.

    Args:
        source: The samples.
        batches: The batches of an epoch, ``(steps, B, K)``: `BalancedSampler.batches` or `FixedBatches`.
        steps: Batches per epoch.
        device: Device of the batches.
        workers: Processes that decode; 0 decodes in this one, from memory where the store keeps crops there.
        rank: This process's rank.
        world: Number of ranks.
        channels_last: Memory format of the images.
    """

    def __init__(
        self,
        source: BatchSource,
        batches: EpochBatches,
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
        self.remaining = _RemainingBatches(source, batches, steps, slice(rank, None, world))
        self._loader = DataLoader(
            _Batches(source.store.decoder.decode if workers else source.store.decode),
            batch_size=None,
            sampler=self.remaining,
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=4 if workers else None,
            multiprocessing_context="spawn" if workers else None,  # OpenCV and CUDA are not safe to fork
            worker_init_fn=_single_threaded if workers else None,
            pin_memory=self.device.type == "cuda",
        )

    def __len__(self) -> int:
        """Batches that the current epoch still has."""
        return len(self.remaining)

    @property
    def epoch(self) -> int:
        """Epoch of the next batch."""
        return self.remaining.epoch

    @property
    def step(self) -> int:
        """Step of the next batch in its epoch."""
        return self.remaining.step

    def __iter__(self) -> Iterator[Batch]:
        for arrays in self._loader:
            self.remaining.step += 1
            yield to_batch(self.source.substitute(arrays), self.device, channels_last=self.channels_last)
        self.remaining.epoch, self.remaining.step = self.remaining.epoch + 1, 0

    def state_dict(self) -> dict[str, int]:
        """Epoch and step of the next batch."""
        return {"epoch": self.epoch, "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved epoch and step."""
        self.remaining.epoch, self.remaining.step = int(state["epoch"]), int(state["step"])


def to_batch(arrays: dict[str, Tensor], device: torch.device, *, channels_last: bool) -> Batch:
    """Move uint8 arrays to the device and scale images and masks to [0, 1] there."""
    moved = {name: array.to(device, non_blocking=True) for name, array in arrays.items()}
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
    """Use one thread per worker: the workers run in parallel already."""
    cv2.setNumThreads(0)
