"""Modules of `multi_attention`: attention maps, texture enhancement, pooling and the head."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.ops.precision import at_least_float32

BORDER = 2 / 24  # share of a side at each border that attention keeps away from: 2 of B4's 24 cells
HIDDEN = 256
TRACE = 1e-8  # of attention everywhere; the authors'


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
    """Three 3 x 3 layers, each on all that came before it, and a 1 x 1 layer on the whole.

    Batch normalisation and ReLU come before every layer but the first, batch normalisation alone after the last.
    Groups see nothing of each other: concatenation is within a group. No convolution has a bias: batch normalisation
    takes off what the authors' have.
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
        return self.last(grown.flatten(1, 2))


class PlainTexture(nn.Module):
    """Texture enhancement of the paper's form: one dense block on what local averaging takes away.

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
        return self.both(torch.cat([self.whole(whole), self.regions(regions)], dim=1))


def weighted_mean(maps: Tensor, attention: Tensor, keep: Tensor) -> Tensor:
    """Mean over space weighted by the sum of the attention maps that are kept; without any, the plain mean.

    Args:
        maps: ``(B, C, H, W)``.
        attention: ``(B, M, H, W)``, at least 0.
        keep: ``(B, M, 1)``, each map's factor, at least 0.

    Returns:
        ``(B, C)``, in float32 at least.
    """
    weights = (at_least_float32(attention) * keep.unsqueeze(3)).sum(1, keepdim=True) + TRACE
    return (maps * weights).sum((2, 3)) / weights.sum((2, 3))


def _split_averages(maps: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
    """Averages at the size of the attention maps, and what they take away; all is kept where nothing is averaged."""
    pooled = functional.adaptive_avg_pool2d(maps, (attention.shape[2], attention.shape[3]))
    if pooled.shape == maps.shape:
        return pooled, maps
    return pooled, maps - functional.interpolate(pooled, (maps.shape[2], maps.shape[3]), mode="nearest")


def standardised(maps: Tensor) -> Tensor:
    """Each channel of each image to mean 0 and variance 1 over space.

    The authors divide by n - 1, one factor for all channels that `region_vectors` takes off again, and add nothing
    under the root: a channel that is constant has no gradient there.
    """
    return functional.instance_norm(maps, eps=1e-5)


def region_vectors(maps: Tensor, attention: Tensor) -> Tensor:
    """Bilinear attention pooling: sum over space of ``attention * maps``, rows of unit length.

    Args:
        maps: ``(B, C, H, W)``, or ``(B, M, C, H, W)`` with maps of its own for each attention.
        attention: ``(B, M, h, w)``, brought to H x W bilinearly.

    Returns:
        ``(B, M, C)``.
    """
    size = (maps.shape[-2], maps.shape[-1])
    if attention.shape[-2:] != maps.shape[-2:]:
        attention = functional.interpolate(attention, size, mode="bilinear", align_corners=True)
    pattern = "bmhw,bmchw->bmc" if maps.ndim == 5 else "bmhw,bchw->bmc"
    return functional.normalize(torch.einsum(pattern, attention.to(maps.dtype), maps), dim=2, eps=1e-6)
