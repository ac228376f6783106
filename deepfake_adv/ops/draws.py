"""Random tensors from a generator that may live on another device than the images, or from one for each image."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Rng = torch.Generator | Sequence[torch.Generator] | None
"""One generator, one per image, or torch's global one."""


def generators_of(names: Sequence[str], seed: int) -> list[torch.Generator]:
    """A generator per image, decided by the image's name and the seed alone.

    What is drawn for an image then depends neither on its batch nor on its place among the others.
    """
    digests = (hashlib.sha256(f"{seed} {name}".encode()).digest() for name in names)
    return [torch.Generator().manual_seed(int.from_bytes(digest[:4])) for digest in digests]  # it takes 32 bits


def uniform(shape: tuple[int, ...], generator: Rng, like: Tensor) -> Tensor:
    """Uniform in [0, 1), of ``shape``, on the device of ``like`` and in its floating dtype.

    Drawn on the generator's own device, so that one seed gives the same numbers whatever the images' device is.
    Without a generator: from torch's global one. With one per image: each image from its own.
    """
    return _draw(torch.rand, shape, generator, like)


def normal(shape: tuple[int, ...], generator: Rng, like: Tensor) -> Tensor:
    """Standard normal, otherwise as `uniform`."""
    return _draw(torch.randn, shape, generator, like)


def _draw(draw: Callable[..., Tensor], shape: tuple[int, ...], generator: Rng, like: Tensor) -> Tensor:
    if isinstance(generator, Sequence):
        assert len(generator) == shape[0]
        return torch.stack([_draw(draw, tuple(shape[1:]), each, like) for each in generator])
    device = like.device if generator is None else generator.device
    return draw(shape, generator=generator, device=device, dtype=like.dtype).to(like.device)


def whole(high: int, count: int, generator: torch.Generator) -> list[int]:
    """``count`` whole numbers from 0 to ``high`` - 1."""
    return torch.randint(high, (count,), generator=generator, device=generator.device).tolist()


def dropout(values: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Dropout from a generator of its own, so that a checkpoint of it continues the same run; None: no dropout."""
    if generator is None or probability == 0:
        return values
    kept = uniform(tuple(values.shape), generator, values) >= probability
    return values * kept / (1 - probability)
