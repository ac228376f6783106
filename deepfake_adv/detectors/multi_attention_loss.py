"""Losses of `multi_attention`, and the values in which the paper's form and the authors' run differ."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Values:
    """One form of the method.

    Attributes:
        grouped_texture: A texture block per attention map, instead of one for all.
        whole_norm: Distance to the centres over all regions at once, instead of region by region.
        centres_from_reals: Only real images move the centres.
        margins: Distance up to which a real and a fake may stray from the centres; a negative one turns
            the sense: to stay farther than its absolute value.
        inter_margin: Distance that centres keep from each other.
        inter_share: The charge for it is divided by M and the centres' rate. (The paper has no divisor, and the
            authors' code of its form computes the quotient but leaves it aside.)
        independence_weight: Weight of the regional independence loss.
        degraded_weight: Weight of the degraded copies' cross-entropy.
        match_weight: Weight of the distance between both copies' regions.
        region_dropout: Probability of dropping a region's vector in training.
        degraded_scale: Factor of the size at which the degraded copy is blurred.
        degraded_noise: Standard deviation of its noise, images in [0, 1].
        sharpened: The mask is a random sigmoid of the attention map, instead of the map itself.
    """

    grouped_texture: bool
    whole_norm: bool
    centres_from_reals: bool
    margins: tuple[float, float]
    inter_margin: float
    inter_share: bool
    independence_weight: float
    degraded_weight: float
    match_weight: float
    region_dropout: float
    degraded_scale: float
    degraded_noise: float
    sharpened: bool


VARIANTS: Final = MappingProxyType(
    {
        "paper": Values(
            grouped_texture=False,
            whole_norm=False,
            centres_from_reals=False,
            margins=(0.05, 0.1),
            inter_margin=0.2,
            inter_share=False,
            independence_weight=1.0,
            degraded_weight=1.0,
            match_weight=0.0,
            region_dropout=0.25,
            degraded_scale=0.3,
            degraded_noise=0.0,
            sharpened=False,
        ),
        "release": Values(
            grouped_texture=True,
            whole_norm=True,
            centres_from_reals=True,
            margins=(0.2, -0.8),
            inter_margin=0.8,
            inter_share=True,
            independence_weight=0.5,
            degraded_weight=1.0,
            match_weight=0.1,
            region_dropout=0.25,
            degraded_scale=0.5,
            degraded_noise=0.05,  # 0.1 on the authors' inputs in [-1, 1]
            sharpened=True,
        ),
    }
)


def updated_centres(centres: Tensor, vectors: Tensor, weights: Tensor, rate: Tensor) -> Tensor:
    """Centres moved towards the batch's mean vectors, over all ranks.

    The result carries the gradient of this rank's vectors, so that `intra_loss` and `inter_loss` can move them; the
    averaging of gradients over ranks completes `inter_loss`'s. (The authors' losses see the rank's own centres, and
    only what is kept is averaged over ranks.)

    Args:
        centres: ``(M, C)``.
        vectors: ``(B, M, C)``.
        weights: ``(B,)``, each image's say.
        rate: Scalar, share of the way.
    """
    return centres + rate * _mean_over_ranks(((vectors - centres) * weights[:, None, None]).mean(0))


def _mean_over_ranks(value: Tensor) -> Tensor:
    if not (distributed.is_available() and distributed.is_initialized()):
        return value
    mean = value.detach().clone()
    distributed.all_reduce(mean)
    return mean / distributed.get_world_size() + value - value.detach()


def independence_loss(vectors: Tensor, centres: Tensor, labels: Tensor, values: Values, rate: Tensor) -> Tensor:
    """Regional independence: vectors near their centres, centres apart; the weighted sum, a scalar.

    Args:
        vectors: ``(B, M, C)``.
        centres: ``(M, C)``, moved by these very vectors, with gradients.
        labels: ``(B,)``.
        values: The form of the method.
        rate: Scalar, share of the way that the centres move.
    """
    inter = inter_loss(centres, values.inter_margin)
    if values.inter_share:
        inter = inter / (len(centres) * rate)
    return values.independence_weight * (intra_loss(vectors, centres, labels, values) + inter)


def intra_loss(vectors: Tensor, centres: Tensor, labels: Tensor, values: Values) -> Tensor:
    """How far vectors ``(B, M, C)`` stray from the centres ``(M, C)`` beyond their class's margin; the mean.

    The paper prints a sum over images and regions; the authors' code takes the mean in both its forms.
    """
    difference = vectors - centres
    distances = difference.flatten(1).norm(dim=1, keepdim=True) if values.whole_norm else difference.norm(dim=2)
    margins = distances.new_tensor(values.margins)[labels].unsqueeze(1)
    return (distances * margins.sign() - margins).relu().mean()


def inter_loss(centres: Tensor, margin: float) -> Tensor:
    """Sum over pairs of centres ``(M, C)`` of what is missing to their distance ``margin``."""
    first, second = torch.triu_indices(len(centres), len(centres), offset=1, device=centres.device)
    return (margin - (centres[first] - centres[second]).norm(dim=1)).relu().sum()


def match_loss(vectors: Tensor, others: Tensor, drawn: Tensor) -> Tensor:
    """Distance of both copies' vectors ``(B, M, C)``, 0 for the region that was degraded; the mean over all M.

    Args:
        vectors: Of the images.
        others: Of their degraded copies.
        drawn: ``(B,)``, index of the region degraded.
    """
    distances = (vectors - others).norm(dim=2)
    return (distances * torch.ones_like(distances).scatter(1, drawn[:, None], 0)).mean()
