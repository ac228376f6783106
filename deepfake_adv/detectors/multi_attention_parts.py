"""Modules and losses of `multi_attention`, and the values in which the paper's form and the authors' run differ."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

BORDER = 2 / 24  # share of a side at each border that attention keeps away from: 2 of B4's 24 cells
HIDDEN = 256


class AttentionHead(nn.Module):
    """M attention maps from deep features: positive (ELU + 1), zero along the border.

    The border is a share of the side, so that small images keep an inner part.
    """

    def __init__(self, channels: int, attentions: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, attentions, 1, bias=False),
            nn.BatchNorm2d(attentions),
        )

    def forward(self, deep: Tensor) -> Tensor:
        """``(B, C, h, w)`` to ``(B, M, h, w)``, at least 0."""
        maps = functional.elu(self.net(deep)) + 1
        rows, columns = (round(side * BORDER) for side in maps.shape[-2:])
        inner = maps[:, :, rows : maps.shape[2] - rows, columns : maps.shape[3] - columns]
        return functional.pad(inner, (columns, columns, rows, rows))


class _DenseBlock(nn.Module):
    """Three 3 x 3 layers, each on all earlier maps, and a 1 x 1 layer on all of them.

    Batch normalisation and ReLU come before every layer but the first, batch normalisation alone after the last.
    Groups are independent: concatenation is within a group. No convolution has a bias: batch normalisation
    removes the biases that the authors' layers have.
    """

    def __init__(self, channels: int, groups: int, first_kernel: int, outputs: int) -> None:
        super().__init__()
        self.groups = groups
        self.first = nn.Conv2d(
            groups * channels, groups * channels, first_kernel, padding=first_kernel // 2, groups=groups, bias=False
        )
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(groups * channels * depth),
                nn.ReLU(),
                nn.Conv2d(groups * channels * depth, groups * channels, 3, padding=1, groups=groups, bias=False),
            )
            for depth in (1, 2, 3)
        )
        self.last = nn.Sequential(
            nn.BatchNorm2d(groups * channels * 4),
            nn.ReLU(),
            nn.Conv2d(groups * channels * 4, groups * outputs, 1, groups=groups, bias=False),
            nn.BatchNorm2d(groups * outputs),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, G * C, h, w)`` to ``(B, G * outputs, h, w)``."""
        grown = self.first(maps).unflatten(1, (self.groups, -1))
        for layer in self.layers:
            added = layer(grown.flatten(1, 2)).unflatten(1, (self.groups, -1))
            grown = torch.cat([grown, added], dim=2)
        result: Tensor = self.last(grown.flatten(1, 2))
        return result


class PlainTexture(nn.Module):
    """Texture enhancement of the paper's form: one dense block on the residual of local averaging.

    Attributes:
        channels: Channels of the enhanced texture, 4 times the shallow ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = 4 * channels
        self.dense = _DenseBlock(channels, groups=1, first_kernel=1, outputs=self.channels)

    def forward(self, shallow: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
        """Texture ``(B, 4C, H, W)`` and the averages ``(B, C, h, w)`` at the size of the attention maps."""
        pooled, residual = _split_averages(shallow, attention)
        return self.dense(residual), pooled


class GroupedTexture(nn.Module):
    """Texture enhancement of the authors' run: a dense block per attention map, gated by that map.

    Attributes:
        channels: Channels of the enhanced texture, as many as the shallow ones.
    """

    def __init__(self, channels: int, attentions: int) -> None:
        super().__init__()
        self.channels = channels
        self.attentions = attentions
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.dense = _DenseBlock(channels, groups=attentions, first_kernel=5, outputs=channels)

    def forward(self, shallow: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
        """Texture ``(B, M, C, H, W)`` and the averages ``(B, C, h, w)`` at the size of the attention maps."""
        pooled, residual = _split_averages(self.conv(shallow), attention)
        size = (shallow.shape[2], shallow.shape[3])
        gate = functional.interpolate(attention.detach(), size, mode="bilinear", align_corners=True).tanh()
        gated = (residual.unsqueeze(1) * gate.unsqueeze(2)).flatten(1, 2)
        return self.dense(gated).relu().unflatten(1, (self.attentions, -1)), pooled


class HybridHead(nn.Module):
    """Global features and region vectors, each brought to 256 channels, then classified together."""

    def __init__(self, global_channels: int, region_channels: int, classes: int) -> None:
        super().__init__()
        self.whole = nn.Sequential(nn.Dropout(0.5), nn.Linear(global_channels, HIDDEN), nn.Hardswish())
        self.regions = nn.Sequential(
            nn.Linear(region_channels, HIDDEN), nn.Hardswish(), nn.Linear(HIDDEN, HIDDEN), nn.Hardswish()
        )
        self.both = nn.Sequential(nn.Linear(2 * HIDDEN, HIDDEN), nn.Hardswish(), nn.Linear(HIDDEN, classes))

    def forward(self, whole: Tensor, regions: Tensor) -> Tensor:
        """Logits ``(B, classes)``."""
        result: Tensor = self.both(torch.cat([self.whole(whole), self.regions(regions)], dim=1))
        return result


def _split_averages(maps: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
    """Averages at the size of the attention maps, and the residual, which is the input if nothing is averaged."""
    pooled = functional.adaptive_avg_pool2d(maps, (attention.shape[2], attention.shape[3]))
    if pooled.shape == maps.shape:
        return pooled, maps
    return pooled, maps - functional.interpolate(pooled, (maps.shape[2], maps.shape[3]), mode="nearest")


@dataclass(frozen=True)
class Values:
    """One form of the method.

    Attributes:
        grouped_texture: A texture block per attention map, instead of one for all.
        whole_norm: Distance to the centres over all regions at once, instead of region by region.
        centres_from_reals: Only real images move the centres.
        margins: Distance up to which a real and a fake may be from the centres; a negative one
            requires a distance larger than its absolute value.
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
    only the stored centres are averaged over ranks.)

    Args:
        centres: ``(M, C)``.
        vectors: ``(B, M, C)``.
        weights: ``(B,)``, weight of each image.
        rate: Scalar, fraction of the distance.
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
        rate: Scalar, fraction of the distance that the centres move.
    """
    inter = inter_loss(centres, values.inter_margin)
    if values.inter_share:
        inter = inter / (len(centres) * rate)
    return values.independence_weight * (intra_loss(vectors, centres, labels, values) + inter)


def intra_loss(vectors: Tensor, centres: Tensor, labels: Tensor, values: Values) -> Tensor:
    """Distance of vectors ``(B, M, C)`` from the centres ``(M, C)`` beyond their class's margin; the mean.

    The paper has a sum over images and regions; both versions of the authors' code take the mean.
    """
    difference = vectors - centres
    distances = difference.flatten(1).norm(dim=1, keepdim=True) if values.whole_norm else difference.norm(dim=2)
    margins = distances.new_tensor(values.margins)[labels].unsqueeze(1)
    result: Tensor = (distances * margins.sign() - margins).relu().mean()
    return result


def inter_loss(centres: Tensor, margin: float) -> Tensor:
    """Sum over pairs of centres ``(M, C)`` of how far their distance is below ``margin``."""
    first, second = torch.triu_indices(len(centres), len(centres), offset=1, device=centres.device)
    result: Tensor = (margin - (centres[first] - centres[second]).norm(dim=1)).relu().sum()
    return result


def match_loss(vectors: Tensor, others: Tensor, drawn: Tensor) -> Tensor:
    """Distance of both copies' vectors ``(B, M, C)``, 0 for the region that was degraded; the mean over all M.

    Args:
        vectors: Of the images.
        others: Of their degraded copies.
        drawn: ``(B,)``, index of the region degraded.
    """
    distances = (vectors - others).norm(dim=2)
    result: Tensor = (distances * torch.ones_like(distances).scatter(1, drawn[:, None], 0)).mean()
    return result
