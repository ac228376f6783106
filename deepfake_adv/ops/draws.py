"""Random tensors from an rng that may live on another device than the images, or from one rng per image."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Rng = torch.Generator | Sequence[torch.Generator] | None
"""One rng for all images, one per image, or None: torch's global random state."""


def rng_per_image(names: Sequence[str], seed: int) -> list[torch.Generator]:
    """One rng per image, seeded by the image's name and `seed` alone.

    An image's noise or random start then does not depend on the other images of its batch.
    """
    digests = (hashlib.sha256(f"{seed} {name}".encode()).digest() for name in names)
    return [torch.Generator().manual_seed(int.from_bytes(digest[:4])) for digest in digests]  # a seed has 32 bits


def uniform(shape: tuple[int, ...], rng: Rng, like: Tensor) -> Tensor:
    """Uniform numbers in [0, 1) with `like`'s device and dtype.

    Drawn on the rng's own device, so that one seed gives the same numbers on every device.
    With one rng per image, each image is drawn from its own.
    """
    return _draw(torch.rand, shape, rng, like)


def normal(shape: tuple[int, ...], rng: Rng, like: Tensor) -> Tensor:
    """Standard normal numbers; see `uniform`."""
    return _draw(torch.randn, shape, rng, like)


def _draw(draw: Callable[..., Tensor], shape: tuple[int, ...], rng: Rng, like: Tensor) -> Tensor:
    if isinstance(rng, Sequence):
        assert len(rng) == shape[0]
        return torch.stack([_draw(draw, tuple(shape[1:]), each, like) for each in rng])
    device = like.device if rng is None else rng.device
    return draw(shape, generator=rng, device=device, dtype=like.dtype).to(like.device)


def integers(high: int, count: int, rng: torch.Generator) -> list[int]:
    """`count` integers in [0, `high`), each equally likely."""
    return torch.randint(high, (count,), generator=rng, device=rng.device).tolist()


def dropout(values: Tensor, probability: float, rng: torch.Generator | None) -> Tensor:
    """Dropout that draws from `rng`, so that a resumed run draws the same masks; None: no dropout."""
    if rng is None or probability == 0:
        return values
    kept = uniform(tuple(values.shape), rng, values) >= probability
    return values * kept / (1 - probability)
