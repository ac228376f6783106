"""The policy that chooses forgeries, and the game's reward for it."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from deepfake_adv.methods.sladd.forge import Kind
from deepfake_adv.methods.sladd.regions import REGIONS
from deepfake_adv.ops.draws import dropout, normal, uniform
from deepfake_adv.ops.precision import at_least_float32
from deepfake_adv.params.base import FromTimm

CHANNELS = 6  # image and reference


class Choice(NamedTuple):
    """Actions for N images, with what REINFORCE needs.

    Attributes:
        region: ``(N,)`` int64.
        kind: ``(N,)`` int64, `Kind`.
        magnitude: ``(N,)`` in (0, 1).
        log_probability: ``(N,)``, with gradients; counts just the choices that mattered: no region where
            nothing is done, no magnitude but for a mixture.
        entropy: ``(N,)``, nats, of region and kind.
    """

    region: Tensor
    kind: Tensor
    magnitude: Tensor
    log_probability: Tensor
    entropy: Tensor


class Synthesizer(nn.Module):
    """Distribution over forgery configurations, given an image and a reference.

    The seed's backbone is an Xception with a fresh six-channel stem: ``backbone="legacy_xception"``.
    The magnitude is sampled in logit space around the head's value. (The seed's code scores it by
    log sigmoid, which is the probability of nothing sampled and only ever raises the magnitude.)

    Args:
        given: Fields of `Params`.
    """

    class Params(FromTimm):
        """Arguments of the policy network."""

        backbone: str = Field("compact", description="compact (a small CNN of our own) or the name of a timm model.")
        width: int = Field(16, ge=1, description="Channels of the first stage of compact; no effect on timm's.")
        dropout: float = Field(0.5, ge=0, lt=1, description="Before each head.")
        spread: float = Field(0.5, gt=0, description="Standard deviation of the magnitude's logit.")

    def __init__(self, **given: Any) -> None:
        params = self.Params.read(given)
        super().__init__()
        self.spread = params.spread
        made = (
            _compact(params.width)
            if params.backbone == "compact"
            else _timm(params.backbone, pretrained=params.pretrained, weights=params.weights)
        )
        self.backbone, features = made
        heads: Mapping[str, int] = {"region": len(REGIONS), "kind": len(Kind), "magnitude": 1}
        self.dropout_probability = params.dropout
        self.heads = nn.ModuleDict({name: nn.Linear(features, size) for name, size in heads.items()})

    def forward(
        self, images: Tensor, references: Tensor, rng: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of region ``(N, 10)`` and kind ``(N, 4)``, logit of the magnitude ``(N,)``.

        Args:
            images: ``(N, 3, H, W)`` in [0, 1].
            references: As ``images``.
            rng: Source of the dropout; None for none.
        """
        pooled = self.backbone(2 * torch.cat([images, references], dim=1) - 1)
        logits = (head(dropout(pooled, self.dropout_probability, rng)) for head in self.heads.values())
        region, kind, magnitude = (at_least_float32(part) for part in logits)
        return region, kind, magnitude[:, 0]

    def choose(self, images: Tensor, references: Tensor, rng: torch.Generator) -> Choice:
        """Sample a configuration for each image.

        Args:
            images: ``(N, 3, H, W)`` in [0, 1], N at least 1.
            references: As ``images``.
            rng: Source of the samples.
        """
        region_logits, kind_logits, centre = self(images, references, rng if self.training else None)
        region_log, kind_log = region_logits.log_softmax(1), kind_logits.log_softmax(1)
        region, kind = (_sample(log, rng) for log in (region_log, kind_log))
        logit = (centre + self.spread * normal((len(images),), rng, centre)).detach()
        score = torch.where(kind == Kind.NOTHING, 0.0, region_log.gather(1, region[:, None])[:, 0])
        score = score + kind_log.gather(1, kind[:, None])[:, 0]
        drawn = torch.distributions.Normal(centre, self.spread).log_prob(logit)
        score = score + torch.where(kind == Kind.MIX, drawn, 0.0)
        entropy = -sum((log.exp() * log).sum(1) for log in (region_log, kind_log))
        return Choice(region, kind, logit.sigmoid(), score, entropy)


def reinforce(choice: Choice, reward: Tensor, *, entropy_weight: float) -> Tensor:
    """Loss whose gradient raises the expected reward; scalar to minimise.

    The batch's mean reward is the baseline: the seed has none, so that with a reward that is never
    negative every choice made is reinforced, bad ones only less.

    Args:
        choice: What was done, N at least 1.
        reward: ``(N,)``, the detector's class loss on each result (in the seed's code one training loss for all).
        entropy_weight: Weight of the entropy bonus, at least 0.
    """
    advantage = (reward - reward.mean()).detach()
    return -(choice.log_probability * advantage).mean() - entropy_weight * choice.entropy.mean()


def _sample(log_probabilities: Tensor, rng: torch.Generator) -> Tensor:
    draws = uniform(tuple(log_probabilities.shape), rng, log_probabilities)
    gumbel = -(-draws.clamp(1e-20, 1 - 1e-7).log()).log()
    return (log_probabilities.detach() + gumbel).argmax(1)


def _compact(width: int) -> tuple[nn.Module, int]:
    channels = [CHANNELS, width, 2 * width, 4 * width, 4 * width]
    stages: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        stages += [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten()), channels[-1]


def _timm(name: str, *, pretrained: bool, weights: str | Path | None) -> tuple[nn.Module, int]:
    from deepfake_adv.detectors.weights import create_backbone  # timm: three seconds that compact need not pay

    model = create_backbone(name, pretrained=pretrained, weights=weights, num_classes=0, in_chans=CHANNELS)
    stem = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    nn.init.xavier_normal_(stem.weight, gain=0.02)
    return model, model.num_features
