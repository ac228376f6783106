"""Auxiliary heads on any detector: where, how and how strongly an image was forged."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.methods.sladd.forge import ORIGINAL_FAKE
from deepfake_adv.ops.draws import dropout
from deepfake_adv.ops.losses import cross_entropy
from deepfake_adv.ops.precision import at_least_float32


class Targets(NamedTuple):
    """What the heads learn, for N images.

    Attributes:
        masks: ``(N, 1, H, W)`` in [0, 1], zeros for reals; NaN for an image whose mask is not known.
        kind: ``(N,)`` int64, `Kind` or ``ORIGINAL_FAKE``.
        magnitude: ``(N,)`` in (0, 1), NaN where none applies.
    """

    masks: Tensor
    kind: Tensor
    magnitude: Tensor


class Weights(NamedTuple):
    """Weights of the auxiliary losses."""

    masks: float
    kind: float
    magnitude: float


class Heads(nn.Module):
    """Map, type and magnitude of a forgery from the detector's last feature map.

    The seed reads the map from Xception's block 7; a last feature map is what every detector has.

    Args:
        channels: Channels of the feature map.
        dropout: Before the type and magnitude heads.
    """

    def __init__(self, channels: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.map = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.Conv2d(channels, 1, 1, bias=False),
            nn.Sigmoid(),
        )
        self.dropout_probability = dropout
        self.kind = nn.Linear(channels, ORIGINAL_FAKE + 1)
        self.magnitude = nn.Linear(channels, 1)

    def forward(self, features: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Map ``(N, 1, h, w)`` in [0, 1], type logits ``(N, 5)`` and magnitude ``(N,)`` of ``(N, C, h, w)``."""
        pooled = dropout(features.mean((2, 3)), self.dropout_probability, rng)
        outputs = (self.map(features), self.kind(pooled), self.magnitude(pooled)[:, 0])
        maps, kinds, magnitudes = (at_least_float32(part) for part in outputs)
        return maps, kinds, magnitudes

    def losses(
        self,
        features: Tensor,
        targets: Targets,
        weights: Weights,
        *,
        margin: float,
        scale: float,
        rng: torch.Generator,
    ) -> dict[str, Tensor]:
        """The weighted auxiliary losses by name, each a scalar.

        The map's target is the mask's mean over each cell (the seed resizes bicubically), its error a mean over the
        images whose mask is known. The magnitude's is a mean over all images, 0 for those without one, as in the
        seed; it is compared image by image. (There shapes broadcast, and every image is compared with every other.)
        """
        maps, kinds, magnitudes = self(features, rng if self.training else None)
        wanted = functional.adaptive_avg_pool2d(targets.masks.to(maps), maps.shape[2:])
        map_errors = _known_errors(maps, wanted)
        return {
            "map": weights.masks * map_errors.sum() / (~wanted.isnan()).sum().clamp(min=1),
            "kind": weights.kind * am_softmax(kinds, targets.kind, margin=margin, scale=scale).mean(),
            "magnitude": weights.magnitude * _known_errors(magnitudes, targets.magnitude.to(magnitudes)).mean(),
        }


def _known_errors(values: Tensor, targets: Tensor) -> Tensor:
    """Squared errors, 0 where the target is not known (NaN)."""
    return torch.where(targets.isnan(), 0.0, values - targets.nan_to_num()) ** 2


def am_softmax(logits: Tensor, labels: Tensor, *, margin: float, scale: float) -> Tensor:
    """Cross-entropy of scaled logits with a margin taken off the true class; on raw logits, as the seed has it.

    Args:
        logits: ``(N, classes)``.
        labels: ``(N,)`` int64.
        margin: Taken off the true class's logit before scaling.
        scale: Multiplies all logits.

    Returns:
        ``(N,)``, nats.
    """
    true = functional.one_hot(labels, logits.shape[1]).to(logits)
    return cross_entropy(scale * (logits - margin * true), labels)
