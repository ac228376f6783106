"""Optimisers and their schedule, which depends on the epoch only, so that a resumed run needs no state of it."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import AdamW, Optimizer, RAdam

# The paper uses the RAdam of its authors, with decoupled weight decay; torch couples it by default.
OPTIMIZERS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "radam": lambda parameters, **options: RAdam(parameters, decoupled_weight_decay=True, **options),
        "adamw": AdamW,
    }
)
BETAS: Final = (0.9, 0.999)  # paper Sec. IV


def build_optimizer(
    name: str, parameters: Iterable[nn.Parameter], *, learning_rate: float, weight_decay: float
) -> Optimizer:
    """Build an optimiser with decoupled weight decay.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {name!r}. Fix train.optimizer.")
    chosen = [parameter for parameter in parameters if parameter.requires_grad]
    optimizer: Optimizer = OPTIMIZERS[name](chosen, lr=learning_rate, weight_decay=weight_decay, betas=BETAS)
    return optimizer


class StepDecay:
    """Multiplies learning rates by `factor` every `every` epochs; paper Sec. IV: 0.1, every 10.

    Decoupled decay subtracts rate x weight decay x weight, so it shrinks with the rate in any case. With
    `weight_decay` the weight decay is multiplied too, as in the release. torch's `LambdaLR` sets rates only, and would
    add a state to each checkpoint; here an epoch's number is enough.

    Args:
        optimizers: Their present rates are those of epoch 0.
        every: Epochs between decays.
        factor: Multiplier.
        weight_decay: Multiply weight decay as well.
    """

    def __init__(self, optimizers: Iterable[Optimizer], *, every: int, factor: float, weight_decay: bool) -> None:
        self.every, self.factor, self.weight_decay = every, factor, weight_decay
        self.optimizers = list(optimizers)
        self._first = [(float(group["lr"]), float(group["weight_decay"])) for group in self._groups()]

    def _groups(self) -> list[dict[str, Any]]:
        # read each time, since an optimiser that loads a state replaces its groups
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def set_epoch(self, epoch: int) -> None:
        """Set the rates of an epoch, counted from 0."""
        scale = self.factor ** (epoch // self.every)
        for group, (rate, decay) in zip(self._groups(), self._first, strict=True):
            group["lr"] = rate * scale
            if self.weight_decay:
                group["weight_decay"] = decay * scale

    def rates(self) -> list[float]:
        """Present learning rates, one per parameter group."""
        return [float(group["lr"]) for group in self._groups()]


def average_gradients(parameters: Iterable[nn.Parameter], world: int) -> None:
    """Replace gradients by their mean over all ranks.

    Gradients are averaged after the backward pass instead of by DDP: its hooks expect one forward pass per backward
    pass, while a step runs the detector several times, frozen or not, and gradient reversal computes the gradients of
    detector and adversary together.
    """
    average([parameter.grad for parameter in parameters if parameter.grad is not None], world)


def running_statistics(*modules: nn.Module) -> list[torch.Tensor]:
    """Running means and variances of batch normalisation; each rank has those of its own share of the batches."""
    layers = [layer for module in modules for layer in module.modules() if isinstance(layer, _BatchNorm)]
    kept = [statistic for layer in layers for statistic in (layer.running_mean, layer.running_var)]
    return [statistic for statistic in kept if statistic is not None]


def average(tensors: Sequence[torch.Tensor], world: int, *, bucket_bytes: int = 64 << 20) -> None:
    """Replace tensors by their mean over all ranks, in buckets that are reduced concurrently."""
    if world == 1:
        return
    pending = []
    for bucket in _buckets(tensors, bucket_bytes):
        flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
        pending.append((torch.distributed.all_reduce(flat, async_op=True), flat, bucket))
    for handle, flat, bucket in pending:
        handle.wait()
        flat.div_(world)
        parts = flat.split([tensor.numel() for tensor in bucket])
        for tensor, part in zip(bucket, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


def _buckets(tensors: Sequence[torch.Tensor], size: int) -> list[list[torch.Tensor]]:
    buckets: list[list[torch.Tensor]] = []
    room = 0
    for tensor in tensors:
        need = tensor.numel() * tensor.element_size()
        if not buckets or need > room or tensor.dtype != buckets[-1][0].dtype:
            buckets.append([])
            room = size
        buckets[-1].append(tensor)
        room -= need
    return buckets
