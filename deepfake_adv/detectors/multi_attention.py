"""Zhao et al., "Multi-attentional Deepfake Detection", on EfficientNet-B4.

Figures are those of the authors' public code, which carries two versions: the paper's form (there v1) and
the one of the authors' own run; `Values` has their differences.
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.detectors.base import Detector, Pretrained, TrainingTerms
from deepfake_adv.detectors.multi_attention_parts import (
    VARIANTS,
    AttentionHead,
    GroupedTexture,
    HybridHead,
    PlainTexture,
    Values,
    independence_loss,
    match_loss,
    updated_centres,
)
from deepfake_adv.detectors.registry import register_detector
from deepfake_adv.detectors.weights import TimmModel, create_backbone
from deepfake_adv.ops.degradations import gaussian_blur
from deepfake_adv.ops.precision import at_least_float32, wide

CENTRE_RATE, CENTRE_DECAY = 0.05, 0.9
TRACE = 1e-8  # added to the attention everywhere; the authors'
KERNEL, SIGMA = 11, 7.0  # pixels of the reduced image
THRESHOLDS, STEEPNESS = (0.4, 0.6), (3.0, 5.0)


@register_detector("multi_attention")
class MultiAttention(Detector):
    """EfficientNet whose features are pooled by M attention maps over enhanced shallow textures.

    Loss: cross-entropy + regional independence + cross-entropy of attention-guided degraded copies (+ in
    the authors' run a term that keeps both copies' regions alike).

    Raises:
        ValueError: If an argument is unknown or out of range.
        FileNotFoundError: If pretrained weights cannot be loaded.
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
        params = self.Params.read(given)
        super().__init__(with_residual=params.residual)
        model, attentions, image_size = params.model, params.attentions, params.image_size
        attention_stage, texture_stage = params.attention_stage, params.texture_stage
        if "efficientnet" not in model:
            raise ValueError(f"model must be one of timm's efficientnet models; got {model!r}. The authors' is B4.")
        if image_size is not None:
            self.check_size(image_size, image_size)
        arguments: dict[str, Any] = {"num_classes": 0, "drop_path_rate": params.drop_path, **params.channels()}
        with torch.device("meta"):  # to read its channels; the weights may have to come from the hub
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
        keep = self.region_dropout(vectors.new_ones(vectors.shape[0], self.attentions, 1))  # of both branches
        result: Tensor = self.head(weighted_mean(last, attention, keep).to(vectors), (vectors * keep).flatten(1))
        return result

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        """Logits, features, regional independence and the degraded copies' terms."""
        values = self.values
        features, attention, vectors = self._attended(self.normalise(images))
        centres = self._moved_centres(vectors, labels)
        degraded, drawn = attention_guided(images, attention.detach(), values)
        copy_features, _, copy_vectors = self._attended(self.normalise(degraded))
        self._moved_centres(copy_vectors.detach(), labels)  # the authors move the centres once more, without a loss
        copy_logits = self.classify(copy_features)
        terms = {
            "independence": independence_loss(vectors, centres, labels, values, self.centre_rate),
            "degraded": values.degraded_weight * functional.cross_entropy(at_least_float32(copy_logits), labels),
        }
        if values.match_weight:
            terms["match"] = values.match_weight * match_loss(vectors, copy_vectors, drawn)
        return TrainingTerms(self.classify(features), features, terms)

    def _moved_centres(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Centres moved by a batch's vectors, with gradients; in training the buffer keeps the result."""
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
    seen = backbone.conv_stem.in_channels
    maps = backbone.bn1(backbone.conv_stem(torch.zeros(1, seen, 64, 64, device="meta")))
    channels = []
    for block in backbone.eval().blocks:
        maps = block(maps)
        channels.append(int(maps.shape[1]))
    return channels


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


@torch.no_grad()
def attention_guided(images: Tensor, attention: Tensor, values: Values) -> tuple[Tensor, Tensor]:
    """Degrade each image where one of its attention maps is high.

    A map is drawn with a probability that grows with its mass. Draws come from torch's global random state, threshold
    and steepness for each image (the authors' for each batch). The result is clamped, as images are in [0, 1] here.

    Args:
        images: ``(B, 3, H, W)`` in [0, 1].
        attention: ``(B, M, h, w)``, at least 0.
        values: The form of the method.

    Returns:
        Images ``(B, 3, H, W)`` in [0, 1], and the index of the map drawn, ``(B,)``.
    """
    attention = attention.to(wide(images.dtype))
    drawn = torch.multinomial((attention.sum((2, 3)) + 1).sqrt(), 1)
    chosen = attention.gather(1, drawn[:, :, None, None].expand(-1, -1, *attention.shape[-2:]))
    size = (images.shape[2], images.shape[3])
    mask = functional.interpolate(chosen, size, mode="bilinear", align_corners=True)
    mask = mask / mask.amax((2, 3), keepdim=True).clamp_min(1e-6)
    if values.sharpened:
        threshold = torch.empty_like(mask[:, :, :1, :1]).uniform_(*THRESHOLDS)
        steepness = torch.empty_like(threshold).uniform_(*STEEPNESS)
        mask = sharpened(mask, threshold, steepness)
    mask = mask.to(images.dtype)
    return (images * (1 - mask) + _degraded(images, values) * mask).clamp(0, 1), drawn.squeeze(1)


def sharpened(mask: Tensor, threshold: Tensor, steepness: Tensor) -> Tensor:
    """A sigmoid of ``mask`` about ``threshold``, 0 where the mask is 0."""
    floor = (-threshold * steepness).sigmoid()
    return (((mask - threshold) * steepness).sigmoid() - floor) / (1 - floor)


def _degraded(images: Tensor, values: Values) -> Tensor:
    """Images made small, blurred and large again: corners on corners and no filter before, as the authors resize."""
    small = functional.interpolate(images, scale_factor=values.degraded_scale, mode="bilinear", align_corners=True)
    side = min(small.shape[-2:])
    kernel = min(KERNEL, side - 1 + side % 2)  # the widest odd window that the reduced image holds
    small = gaussian_blur(small, small.new_full((len(small),), SIGMA**2), kernel)
    if values.degraded_noise:
        small = small + values.degraded_noise * torch.randn_like(small)
    return functional.interpolate(small, images.shape[-2:], mode="bilinear", align_corners=True)
