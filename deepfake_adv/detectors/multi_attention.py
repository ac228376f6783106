"""Zhao et al., "Multi-attentional Deepfake Detection", on EfficientNet-B4.

Figures are those of the authors' public code, which carries two versions: the paper's form (there v1) and
the one of the authors' own run; see multi_attention_loss for the values.
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.detectors.base import Detector, Pretrained, TrainingTerms
from deepfake_adv.detectors.multi_attention_augment import attention_guided
from deepfake_adv.detectors.multi_attention_loss import (
    VARIANTS,
    independence_loss,
    match_loss,
    updated_centres,
)
from deepfake_adv.detectors.multi_attention_parts import (
    AttentionHead,
    GroupedTexture,
    HybridHead,
    PlainTexture,
    region_vectors,
    standardised,
    weighted_mean,
)
from deepfake_adv.detectors.registry import register_detector
from deepfake_adv.detectors.weights import TimmModel, create_backbone
from deepfake_adv.ops.precision import at_least_float32

CENTRE_RATE, CENTRE_DECAY = 0.05, 0.9


@register_detector("multi_attention")
class MultiAttention(Detector):
    """EfficientNet read out by M attention maps over enhanced shallow textures.

    Loss: cross-entropy + regional independence + cross-entropy of attention-guided degraded copies (+ in
    the authors' run a term that keeps both copies' regions alike).

    Raises:
        ValueError: If an argument is unknown or out of range.
        FileNotFoundError: If pretrained weights are out of reach.
    """

    class Params(Pretrained):
        """Arguments of `multi_attention`; the defaults are its authors'."""

        model: TimmModel = Field("tf_efficientnet_b4.ap_in1k", description="timm's name of an EfficientNet.")
        variant: Literal["paper", "release"] = Field("paper", description="paper; release: its authors' own run.")
        attentions: int = Field(4, ge=1, description="M, number of attention maps.")
        attention_stage: int = Field(
            5, ge=1, description="Stage of the backbone, from 1, that the attention maps come from."
        )
        texture_stage: int = Field(2, ge=1, description="Stage that the texture comes from.")
        drop_path: float = Field(0.0, ge=0, lt=1, description="Stochastic depth of the backbone in training.")

    tiny = ({"model": "test_efficientnet", "attention_stage": 4},)
    centres: Tensor
    centre_rate: Tensor
    min_size = 32

    def __init__(self, **given: Any) -> None:
        super().__init__()
        params = self.Params.read(given)
        model, attentions, image_size = params.model, params.attentions, params.image_size
        attention_stage, texture_stage = params.attention_stage, params.texture_stage
        if "efficientnet" not in model:
            raise ValueError(f"model must be one of timm's efficientnet models; got {model!r}. The authors' is B4.")
        if image_size is not None:
            self.check_size(image_size, image_size)
        arguments: dict[str, Any] = {"num_classes": 0, "drop_path_rate": params.drop_path}
        with torch.device("meta"):  # for its channels; the true one may have to come from the hub
            probe = create_backbone(model, pretrained=False, **arguments)
        channels = _stage_channels(probe)
        for name, stage in (("attention_stage", attention_stage), ("texture_stage", texture_stage)):
            if not 1 <= stage <= len(channels):
                raise ValueError(
                    f"{name} must be from 1 to {len(channels)} for {model}; got {stage}. "
                    "The authors' are 5 for attention and 2 for texture."
                )
        self.backbone: Any = create_backbone(model, pretrained=params.pretrained, weights=params.weights, **arguments)
        self.values = VARIANTS[params.variant]
        self.attentions = attentions
        self.attention_stage, self.texture_stage = attention_stage, texture_stage
        shallow = channels[texture_stage - 1]
        self.attention_head = AttentionHead(channels[attention_stage - 1], attentions)
        self.texture: PlainTexture | GroupedTexture = (
            GroupedTexture(shallow, attentions) if self.values.grouped_texture else PlainTexture(shallow)
        )
        self._global_channels = int(self.backbone.num_features)
        self._region_channels = self.texture.channels
        self.feature_channels = self._global_channels + attentions * (1 + self._region_channels)
        self.head = HybridHead(self._global_channels, attentions * self._region_channels, self.num_classes)
        self.region_dropout = nn.Dropout1d(self.values.region_dropout)
        self.register_buffer("centres", torch.zeros(attentions, shallow))
        self.register_buffer("centre_rate", torch.tensor(CENTRE_RATE))

    def attention(self, images: Tensor) -> Tensor:
        """Attention maps ``(B, M, h, w)``, at least 0, of ``(B, 3, H, W)`` images in [0, 1]."""
        return self._attended(self.normalise(images))[1]

    def extract(self, normalised: Tensor) -> Tensor:
        """The backbone's last map, the attention maps at its size and the regions' texture vectors.

        The vectors are constant over the map: one tensor then holds all that `classify` needs.
        """
        return self._attended(normalised)[0]

    def classify(self, features: Tensor) -> Tensor:
        """Logits ``(B, 2)``."""
        last, attention, regions = features.split(
            [self._global_channels, self.attentions, self.attentions * self._region_channels], dim=1
        )
        vectors = regions.mean((2, 3)).unflatten(1, (self.attentions, self._region_channels))
        keep = self.region_dropout(vectors.new_ones(len(vectors), self.attentions, 1))  # of both branches
        return self.head(weighted_mean(last, attention, keep).to(vectors), (vectors * keep).flatten(1))

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        """Logits, features, regional independence and the degraded copies' terms."""
        values = self.values
        features, attention, vectors = self._attended(self.normalise(images))
        centres = self._moved_centres(vectors, labels)
        degraded, drawn = attention_guided(images, attention.detach(), values)
        copy_features, _, copy_vectors = self._attended(self.normalise(degraded))
        self._moved_centres(copy_vectors.detach(), labels)  # the authors' move once more, and charge nothing for it
        copy_logits = self.classify(copy_features)
        terms = {
            "independence": independence_loss(vectors, centres, labels, values, self.centre_rate),
            "degraded": values.degraded_weight * functional.cross_entropy(at_least_float32(copy_logits), labels),
        }
        if values.match_weight:
            terms["match"] = values.match_weight * match_loss(vectors, copy_vectors, drawn)
        return TrainingTerms(self.classify(features), features, terms)

    def _moved_centres(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Centres moved by a batch's vectors, with gradients; in training they stay where they came to."""
        weights = (labels == 0).to(vectors) if self.values.centres_from_reals else vectors.new_ones(len(labels))
        centres = updated_centres(self.centres, vectors, weights, self.centre_rate)
        if self.training:
            self.centres.copy_(centres.detach())
        return centres

    def end_epoch(self) -> None:
        """Slow the centres down; the authors' factor per epoch."""
        self.centre_rate.mul_(CENTRE_DECAY)

    def _attended(self, normalised: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features, attention maps ``(B, M, h, w)`` and the regions' vectors ``(B, M, C)``."""
        maps = self.backbone.bn1(self.backbone.conv_stem(normalised))
        shallow = deep = maps
        for stage, block in enumerate(self.backbone.blocks, start=1):
            maps = block(maps)
            shallow = maps if stage == self.texture_stage else shallow
            deep = maps if stage == self.attention_stage else deep
        last = self.backbone.bn2(self.backbone.conv_head(maps))
        attention = self.attention_head(deep)
        texture, pooled = self.texture(shallow, attention)
        regions = region_vectors(texture, attention)
        size = (last.shape[2], last.shape[3])
        small = functional.interpolate(attention, size, mode="bilinear", align_corners=True)
        spread = regions.flatten(1)[:, :, None, None].expand(-1, -1, *size)
        features = torch.cat([last, small.to(last), spread.to(last)], dim=1)
        pooled = at_least_float32(pooled)
        return features, attention, region_vectors(standardised(pooled), attention.to(pooled.dtype))


def _stage_channels(backbone: Any) -> list[int]:
    maps = backbone.bn1(backbone.conv_stem(torch.zeros(1, 3, 64, 64, device="meta")))
    channels = []
    for block in backbone.eval().blocks:
        maps = block(maps)
        channels.append(int(maps.shape[1]))
    return channels
