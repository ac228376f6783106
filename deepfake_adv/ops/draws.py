"""Random tensors from a generator that may live on another device than the images."""

import torch
from torch import Tensor


def uniform(shape: tuple[int, ...], generator: torch.Generator | None, like: Tensor) -> Tensor:
    """Uniform in [0, 1), of ``shape``, on the device of ``like`` and in its floating dtype.

    Drawn on the generator's own device, so that one seed gives the same numbers whatever the images' device is.
    Without a generator: from torch's global one.
    """
    device = like.device if generator is None else generator.device
    return torch.rand(shape, generator=generator, device=device, dtype=like.dtype).to(like.device)


def normal(shape: tuple[int, ...], generator: torch.Generator | None, like: Tensor) -> Tensor:
    """Standard normal, otherwise as `uniform`."""
    device = like.device if generator is None else generator.device
    return torch.randn(shape, generator=generator, device=device, dtype=like.dtype).to(like.device)


def whole(high: int, count: int, generator: torch.Generator) -> list[int]:
    """``count`` whole numbers from 0 to ``high`` - 1."""
    return torch.randint(high, (count,), generator=generator, device=generator.device).tolist()


def dropout(values: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Dropout from a generator of its own, so that a checkpoint of it continues the same run; None: no dropout."""
    if generator is None or probability == 0:
        return values
    kept = uniform(tuple(values.shape), generator, values) >= probability
    return values * kept / (1 - probability)
