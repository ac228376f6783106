"""Any of timm's models as a detector: EfficientNet and Xception of the paper, ViT and DINO included."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field, field_validator
from timm.models import get_pretrained_cfg
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from deepfake_adv.detectors.base import HALF, Detector, Pretrained
from deepfake_adv.detectors.registry import TIMM_PREFIX, register_detector
from deepfake_adv.detectors.weights import TimmModel, create_backbone


@register_detector("timm:")
class TimmDetector(Detector):
    """One of timm's models with two logits.

    Images are normalised as the model's own weights want them (.5/.5 for the paper's EfficientNet and
    Xception). A feature map has no class token, so for models with one (ViT, DINO) the mean of the patch
    tokens and a linear layer of this project replace it; all other models keep timm's head. Sides that are no
    multiple of a ViT's patch are padded at the right and the bottom.

    Raises:
        ValueError: If timm has no such model, it cannot take ``image_size`` or one of the arguments, or one is out of
            range.
        FileNotFoundError: If pretrained weights cannot be loaded.
    """

    class Params(Pretrained):
        """Arguments of a detector on one of timm's models; ``timm:<model>`` names the model itself."""

        model: TimmModel = Field(description="timm's name, such as tf_efficientnet_b7.ap_in1k.")
        dropout: float = Field(0.0, ge=0, lt=1, description="Share of pooled features dropped in training.")
        drop_path: float = Field(
            0.0, ge=0, lt=1, description="Stochastic depth in training; 0 for a model that knows none."
        )
        batchnorm_momentum: float | None = Field(
            None, gt=0, le=1, description="Weight of a step's batch in the running statistics; null: the model's own."
        )

    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"name": "timm:test_vit", "image_size": 48},
        {"name": "timm:test_convnext"},
    )
    min_size = 32
    _only_size: int | None = None

    def __init__(self, **given: Any) -> None:
        params = self.Params.read(given)
        model, image_size, dropout, drop_path = params.model, params.image_size, params.dropout, params.drop_path
        config = get_pretrained_cfg(model)
        mean, std = (config.mean, config.std) if config else (HALF, HALF)
        super().__init__(mean=mean, std=std, with_residual=params.residual)
        self.model = model
        if image_size is not None:
            self.check_size(image_size, image_size)  # below one cell of the last map some models raise no error
        side = image_size or (config.input_size[-1] if config else 224)
        arguments: dict[str, Any] = {"num_classes": self.num_classes, "drop_rate": dropout}
        arguments |= {"drop_path_rate": drop_path} if drop_path else {}
        arguments |= params.channels()
        arguments, probe, shape = _fitting_arguments(model, arguments, side)
        self._only_size = side if "img_size" in arguments and "dynamic_img_size" not in arguments else None
        self._channels_last = str(getattr(probe, "output_fmt", "NCHW")).endswith("NHWC")
        self._prefix = int(getattr(probe, "num_prefix_tokens", 0) or 0) if len(shape) == 3 else 0
        self._tokens = len(shape) == 3
        self.feature_channels = shape[-1] if self._tokens or self._channels_last else shape[1]
        if self._prefix:
            arguments["num_classes"] = 0
            if getattr(probe, "attn_pool", None) is not None:
                arguments |= {"global_pool": "avg", "fc_norm": False}
        self.backbone: Any = create_backbone(model, pretrained=params.pretrained, weights=params.weights, **arguments)
        self.dropout = nn.Dropout(dropout)
        if self._prefix:
            self.head = nn.Linear(self.feature_channels, self.num_classes)
        elif isinstance(last := self.backbone.get_classifier(), nn.Linear):
            last.reset_parameters()  # timm starts EfficientNet's at 1/sqrt(classes): logits of 3, not near 0
        if params.batchnorm_momentum is not None:
            self._set_momentum(params.batchnorm_momentum)

    def check_size(self, height: int, width: int) -> None:
        """Check that the model accepts this image size.

        Raises:
            ValueError: If a side is below ``min_size``, or the model was built for another size only.
        """
        super().check_size(height, width)
        only = self._only_size
        if only is not None and (height, width) != (only, only):
            raise ValueError(
                f"image size must be {only} px for {self.model} as built; got {height} x {width}. "
                f"Build it with `image_size` of that size."
            )

    def _set_momentum(self, momentum: float) -> None:
        layers = [layer for layer in self.backbone.modules() if isinstance(layer, _BatchNorm)]
        if not layers or not 0 < momentum <= 1:
            raise ValueError(
                f"batchnorm_momentum must be above 0 and at most 1, and null for a model without batch normalisation; "
                f"got {momentum} for {self.model}, which has {len(layers)} such layers. Set it to null to leave them."
            )
        for layer in layers:
            layer.momentum = momentum

    def extract(self, normalised: Tensor) -> Tensor:
        """``(B, feature_channels, h, w)``; patch tokens laid out as their grid."""
        maps: Tensor = self.backbone.forward_features(normalised)
        if self._tokens:
            patches = maps[:, self._prefix :]
            rows, columns = self._grid(normalised.shape[2], normalised.shape[3], patches.shape[1])
            grid: Tensor = patches.transpose(1, 2).unflatten(2, (rows, columns))
            return grid
        return maps.permute(0, 3, 1, 2) if self._channels_last else maps

    def classify(self, features: Tensor) -> Tensor:
        """Logits ``(B, 2)``."""
        logits: Tensor
        if self._prefix:
            pooled = features.mean((2, 3))
            norm = getattr(self.backbone, "fc_norm", None)
            logits = self.head(self.dropout(pooled if norm is None else norm(pooled)))
            return logits
        if self._tokens:
            features = features.flatten(2).transpose(1, 2)
        elif self._channels_last:
            features = features.permute(0, 2, 3, 1)
        logits = self.backbone.forward_head(features)
        return logits

    def _grid(self, height: int, width: int, tokens: int) -> tuple[int, int]:
        laid_out = getattr(getattr(self.backbone, "patch_embed", None), "dynamic_feat_size", None)
        if laid_out is not None:
            rows, columns = laid_out((height, width))
            if rows * columns == tokens:
                return rows, columns
        rows = max(round((tokens * height / width) ** 0.5), 1)
        assert tokens % rows == 0, f"{tokens} tokens of a {height} x {width} image form no grid"
        return rows, tokens // rows


def _fitting_arguments(
    model: str, arguments: dict[str, Any], side: int
) -> tuple[dict[str, Any], nn.Module, tuple[int, ...]]:
    """The first way to state the image size that the model accepts, a copy without weights, its features' shape.

    The copy lives on torch's meta device: only shapes are computed.
    """
    sizes: tuple[dict[str, Any], ...] = (
        {"img_size": side, "dynamic_img_size": True, "dynamic_img_pad": True},
        {"img_size": side},
        {},
    )
    reason: Exception | None = None
    for size in sizes:
        try:
            with torch.device("meta"):
                probe = create_backbone(model, pretrained=False, **arguments, **size).eval()
        except TypeError as error:  # the model has no such argument
            reason = reason if size else error
            continue
        try:
            with torch.no_grad():
                features = probe.forward_features(
                    torch.zeros(1, arguments.get("in_chans", 3), side, side, device="meta")
                )
        except (RuntimeError, AssertionError, ValueError) as error:
            reason = error
            continue
        return {**arguments, **size}, probe, tuple(features.shape)
    detail = str(reason).splitlines()[0] if reason else "unknown"
    raise ValueError(
        f"image size and options must be ones that {model} takes; got {side} px and {arguments} ({detail}). "
        "Change `image_size`, or set `drop_path` and `dropout` to 0 where the model has none."
    ) from reason


class Family(TimmDetector):
    """One family of timm's models, by the paper's name for it.

    Raises:
        ValueError: If the model is of another family.
    """

    class Params(TimmDetector.Params):
        """Arguments of a family.

        Attributes:
            family: What every model's name holds.
        """

        family: ClassVar[str]

        @field_validator("model")
        @classmethod
        def _of_the_family(cls, model: str) -> str:
            if cls.family not in model:
                raise ValueError(
                    f"model must be one of timm's {cls.family} models; got {model!r}. "
                    f"Name the detector '{TIMM_PREFIX}{model}' to take any other model of timm's."
                )
            return model


@register_detector("efficientnet")
class EfficientNet(Family):
    """Any EfficientNet; by default the paper's B7."""

    tiny = ({"model": "test_efficientnet"},)

    class Params(Family.Params):
        """Arguments of `efficientnet`."""

        family = "efficientnet"

        model: TimmModel = Field("tf_efficientnet_b7.ap_in1k", description="timm's name of an EfficientNet.")


@register_detector("xception")
class Xception(Family):
    """Any Xception; paper Appendix A."""

    tiny = ({}, {"model": "legacy_xception_narrow"})

    class Params(Family.Params):
        """Arguments of `xception`."""

        family = "xception"

        model: TimmModel = Field("legacy_xception.tf_in1k", description="timm's name of an Xception.")
