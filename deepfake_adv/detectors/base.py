"""Base class of detectors: normalisation, size checks and the training loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from deepfake_adv.names import FAKE_LABEL
from deepfake_adv.ops.losses import cross_entropy
from deepfake_adv.ops.residual import noise_residual, residual_kernel
from deepfake_adv.params.base import FromTimm, Section

HALF = (0.5, 0.5, 0.5)  # AdvProp and Xception weights expect inputs in [-1, 1]


class TrainingTerms(NamedTuple):
    """One training pass of a detector.

    Attributes:
        logits: ``(B, 2)``.
        features: The last feature maps ``(B, C, h, w)``; ``(B * K, C, h, w)`` of clips.
        auxiliary: The auxiliary losses by name, each a scalar already weighted.
    """

    logits: Tensor
    features: Tensor
    auxiliary: dict[str, Tensor]


class DetectorLoss(NamedTuple):
    """A detector's training loss.

    Attributes:
        total: Scalar to minimise: batch mean of ``classification`` plus the weighted auxiliary terms.
        classification: ``(B,)``, each image's (or clip's) own cross-entropy, in nats.
        terms: What it was computed from, for a method with losses of its own.
        parts: Every term of ``total`` by name, as detached scalars for the log.
    """

    total: Tensor
    classification: Tensor
    terms: TrainingTerms
    parts: dict[str, Tensor]


def fake_probability(logits: Tensor) -> Tensor:
    """P(fake), ``(B,)`` float64 in [0, 1], of a detector's logits ``(B, 2)``.

    In float32 every fake with a gap of more than 17 between its logits would have the score 1, and such fakes would
    tie in rankings; in float64 this happens above a gap of 36.
    """
    return logits.double().softmax(1)[:, FAKE_LABEL]


class Detector(nn.Module):
    """Base of all detectors: images in [0, 1] to two logits, column 1 being fake.

    A subclass sets ``feature_channels`` and writes `extract` and `classify`; one with auxiliary losses
    also writes `training_terms`. All parameters take part in `training_loss`, so that every rank has the
    same gradients to average. Random draws in training come from torch's global random state, as dropout's do.

    Attributes:
        needs_masks: Whether `training_loss` needs forgery masks.
        clip_length: Frames per sample; 1 for a frame detector, which takes ``(B, 3, H, W)``.
        min_size: Smallest height and width accepted, pixels.
        feature_channels: Channels of `features`.
        tiny: Arguments of small configurations, for the contract tests of all detectors; with a ``name`` if one
            entry stands for many.
    """

    class Params(Section):
        """Arguments of every detector."""

        image_size: int | None = Field(
            None, ge=16, description="Side of the images it sees, pixels, checked at once; null: train.image_size."
        )
        weights: str | Path | None = Field(
            None, description="Start from a run's folder or a file of weights (.safetensors, .pth); null: at random."
        )

    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)

    mean: Tensor
    std: Tensor
    feature_channels: int
    needs_masks: bool = False
    clip_length: int = 1
    min_size: int = 1
    num_classes: ClassVar[int] = 2

    def __init__(
        self, *, mean: Sequence[float] = HALF, std: Sequence[float] = HALF, with_residual: bool = False
    ) -> None:
        super().__init__()
        self.beside: Tensor | None
        self.register_buffer("beside", residual_kernel() if with_residual else None, persistent=False)
        self.register_buffer("mean", torch.tensor(tuple(mean)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(tuple(std)).view(1, 3, 1, 1))

    def check_size(self, height: int, width: int) -> None:
        """Check that the detector accepts this image size.

        Raises:
            ValueError: If a side is below ``min_size``.
        """
        if min(height, width) < self.min_size:
            raise ValueError(
                f"image size must be at least {self.min_size} px for {type(self).__name__}; "
                f"got {height} x {width}. Change `image_size` or take another detector."
            )

    def normalise(self, images: Tensor) -> Tensor:
        """Check ``(B, 3, H, W)`` images in [0, 1] and normalise them for the backbone.

        With the option `residual` of `Pretrained` three channels of their noise residual follow.

        Raises:
            ValueError: If ``images`` is not of that shape or of a size that the detector cannot take.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(
                f"images must be (B, 3, H, W); got {tuple(images.shape)}. "
                "Pass RGB images in [0, 1], clips only to a detector of clips."
            )
        self.check_size(images.shape[2], images.shape[3])
        normalised = (images - self.mean) / self.std
        if self.beside is None:
            return normalised
        return torch.cat([normalised, noise_residual(normalised, self.beside.to(normalised))], dim=1)

    def features(self, images: Tensor) -> Tensor:
        """Last feature map.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1].

        Returns:
            ``(B, feature_channels, h, w)``.

        Raises:
            ValueError: If the shape or size is not one that the detector takes.
        """
        return self.extract(self.normalise(images))

    def extract(self, normalised: Tensor) -> Tensor:
        """Feature map of normalised images; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} must define extract(), from images to a feature map.")

    def classify(self, features: Tensor) -> Tensor:
        """Logits ``(B, 2)`` of what `features` gave."""
        raise NotImplementedError(f"{type(self).__name__} must define classify(), from a feature map to logits.")

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, 2)`` of ``images``, ``(B, 3, H, W)`` in [0, 1]; column 1 is fake."""
        return self.classify(self.features(images))

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        """Logits, features and auxiliary losses of one pass over the batch."""
        features = self.features(images)
        return TrainingTerms(self.classify(features), features, {})

    def end_epoch(self) -> None:
        """Called after each training epoch, for detectors with their own schedules."""

    def training_loss(self, images: Tensor, labels: Tensor, masks: Tensor | None = None) -> DetectorLoss:
        """Cross-entropy plus the detector's auxiliary terms.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1], or ``(B, K, 3, H, W)`` for a detector of clips.
            labels: ``(B,)`` int64, 0 real and 1 fake.
            masks: ``(B, 1, H, W)`` in [0, 1], zeros for reals (``(B, K, 1, H, W)`` for clips); ignored
                unless ``needs_masks``.

        Raises:
            ValueError: If ``needs_masks`` and ``masks`` is None, or for a size that the detector cannot take.
        """
        if self.needs_masks and masks is None:
            raise ValueError(
                f"masks must be given to train {type(self).__name__}; got None. "
                "Use data whose forgeries have mask videos, or set its mask weight to 0."
            )
        terms = self.training_terms(images, labels, masks)
        classification = cross_entropy(terms.logits, labels)
        parts = {"classification": classification.mean(), **terms.auxiliary}
        total = torch.stack([part.to(classification.dtype) for part in parts.values()]).sum()
        return DetectorLoss(total, classification, terms, {name: part.detach() for name, part in parts.items()})


class Pretrained(Detector.Params, FromTimm):
    """Arguments of detectors with a timm backbone."""

    weights: str | Path | None = Field(
        None,
        description="null: the hub or its cache; a cache folder; a run's folder; a file (.safetensors, .pth); package.",
    )
    residual: bool = Field(
        False,
        description="See the noise residual besides the image: without pretrained weights it is learnt from first.",
    )

    def channels(self) -> dict[str, int]:
        """timm's argument for the number of channels that the backbone sees; none for the usual three."""
        return {"in_chans": 6} if self.residual else {}
