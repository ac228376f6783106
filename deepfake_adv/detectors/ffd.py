"""Stehouwer et al., "On the Detection of Digital Face Manipulation": Xception with an attention map.

Figures (channels, place of the map, loss) are those of the authors' public code.
"""

from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from timm.models.xception import Block, SeparableConv2d, Xception
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.detectors.base import Detector, Pretrained, TrainingTerms
from deepfake_adv.detectors.registry import register_detector
from deepfake_adv.detectors.templates import read_templates
from deepfake_adv.detectors.weights import create_backbone
from deepfake_adv.ops.precision import at_least_float32

MIDDLE = 728  # channels of Xception's middle flow, as published
LAST_BEFORE, LAST = 7, 12  # the map sits between blocks 7 and 8 of 12


class RegressionMap(nn.Module):
    """Attention map by one separable convolution and a sigmoid.

    Args:
        channels: Of Xception's middle flow.
    """

    def __init__(self, channels: int = MIDDLE) -> None:
        super().__init__()
        self.conv = SeparableConv2d(channels, 1, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, 1, h, w)`` in [0, 1]."""
        result: Tensor = self.conv(features).sigmoid()
        return result


class TemplateMap(nn.Module):
    """Attention map as a combination of fixed templates; its coefficients are unbounded, as published.

    Args:
        templates: ``(T, h, w)`` in [0, 1]; resized to the feature map.
        channels: Of Xception's middle flow.
    """

    templates: Tensor

    def __init__(self, templates: Tensor, channels: int = MIDDLE) -> None:
        super().__init__()
        self.register_buffer("templates", templates)
        self.block = Block(channels, channels // 2, 2, 2, grow_first=False)
        self.linear = nn.Linear(channels // 2, len(templates))

    def forward(self, features: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, 1, h, w)``."""
        coefficients = self.linear(self.block(features).relu().mean((2, 3)))
        templates = self.templates
        if templates.shape[-2:] != features.shape[-2:]:
            size = (features.shape[2], features.shape[3])
            templates = functional.interpolate(
                templates.unsqueeze(0), size, mode="bilinear", align_corners=False, antialias=True
            )[0]
        return torch.einsum("bt,thw->bhw", coefficients, templates.to(coefficients.dtype)).unsqueeze(1)


@register_detector("ffd")
class Ffd(Detector):
    """Xception with an attention map after block 7, which forgery masks supervise.

    Loss: cross-entropy + ``mask_weight`` times the mean absolute difference of map and mask. Masks are
    averaged down to the map's size; the authors resized them as pictures.

    Raises:
        ValueError: If an argument is unknown or out of range.
        FileNotFoundError: If templates or pretrained weights cannot be loaded.
    """

    class Params(Pretrained):
        """Arguments of `ffd`."""

        model: str = Field("legacy_xception.tf_in1k", description="timm's name of an Xception of the published form.")
        map: Literal["regression", "template"] = Field(
            "regression", description="How the attention map is made; template is the authors' variant."
        )
        templates: str | Path | None = Field(
            None, description="For template: an .npz file (templates, (T, h, w)) or a folder of .png pictures."
        )
        mask_weight: float = Field(1.0, ge=0, description="Weight of the map's loss; at 0 no masks are needed.")
        dropout: float = Field(0.0, ge=0, lt=1, description="Share of pooled features dropped in training.")

    tiny = ({}, {"model": "legacy_xception_narrow"})
    min_size = 32

    def __init__(self, **given: Any) -> None:
        params = self.Params.read(given)
        super().__init__(with_residual=params.residual)
        model, map, templates, image_size = params.model, params.map, params.templates, params.image_size
        if not model.startswith("legacy_xception"):
            raise ValueError(
                f"model must be one of timm's legacy_xception; got {model!r}. "
                "The attention map has its place between two of that model's blocks."
            )
        if (map == "template") != (templates is not None):
            raise ValueError(
                f"templates must be given for map: template, and only there; got {templates!r} for {map!r}. "
                "Name an .npz file or a folder of .png pictures, or set it to null."
            )
        if image_size is not None:
            self.check_size(image_size, image_size)
        backbone = create_backbone(
            model,
            pretrained=params.pretrained,
            weights=params.weights,
            num_classes=self.num_classes,
            drop_rate=params.dropout,
            **params.channels(),
        )
        assert isinstance(backbone, Xception)
        middle = backbone.block3.skip.out_channels
        self.attention_map: nn.Module = (
            RegressionMap(middle) if templates is None else TemplateMap(read_templates(Path(templates)), middle)
        )
        self.backbone = backbone
        self.feature_channels = backbone.num_features
        self.mask_weight = params.mask_weight
        self.needs_masks = self.mask_weight > 0

    def attention(self, images: Tensor) -> Tensor:
        """Attention map ``(B, 1, h, w)`` of ``(B, 3, H, W)`` images in [0, 1]; 19 x 19 at 299 px."""
        return self._attended(self.normalise(images))[1]

    def extract(self, normalised: Tensor) -> Tensor:
        """``(B, feature_channels, h, w)``, the map applied on the way; 2048 channels as published."""
        return self._attended(normalised)[0]

    def classify(self, features: Tensor) -> Tensor:
        """Logits ``(B, 2)``."""
        result: Tensor = self.backbone.forward_head(features)
        return result

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        """Logits, features and the map's loss."""
        features, attention = self._attended(self.normalise(images))
        if not self.needs_masks:
            return TrainingTerms(self.classify(features), features, {})
        assert masks is not None
        found = at_least_float32(attention)
        target = functional.adaptive_avg_pool2d(masks.to(found.dtype), (found.shape[2], found.shape[3]))
        loss = self.mask_weight * functional.l1_loss(found, target)
        return TrainingTerms(self.classify(features), features, {"map": loss})

    def _attended(self, normalised: Tensor) -> tuple[Tensor, Tensor]:
        net = self.backbone
        maps = net.act2(net.bn2(net.conv2(net.act1(net.bn1(net.conv1(normalised))))))
        for index in range(1, LAST_BEFORE + 1):
            maps = getattr(net, f"block{index}")(maps)
        attention = self.attention_map(maps)
        maps = maps * attention
        for index in range(LAST_BEFORE + 1, LAST + 1):
            maps = getattr(net, f"block{index}")(maps)
        maps = net.act3(net.bn3(net.conv3(maps)))
        return net.act4(net.bn4(net.conv4(maps))), attention
