"""Wang et al., "Temporal Segment Networks": one frame detector over K frames of a clip."""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor

from deepfake_adv.detectors.base import Detector, TrainingTerms
from deepfake_adv.detectors.registry import build_detector, register_detector
from deepfake_adv.params.entries import complete


@register_detector("tsn")
class Tsn(Detector):
    """Mean of a frame detector's logits over K frames, one from each of K equal segments of a video.

    The consensus is taken before the softmax, and the cross-entropy on it. The paper does not state
    TSN's K, so ``segments`` is our choice. Auxiliary terms of the frame detector are taken frame by frame.

    Raises:
        ValueError: If ``segments`` is below 2, ``frame`` takes clips, or it cannot take ``image_size``.
    """

    class Params(Detector.Params):
        """Arguments of `tsn`."""

        segments: int = Field(5, ge=2, description="K, frames per clip.")
        frame: Any = Field(description="The detector of single frames: an entry with its own name and keys.")

        @field_validator("frame")
        @classmethod
        def _entry(cls, frame: Any) -> Any:
            if isinstance(frame, Detector):
                return frame
            if isinstance(frame, Mapping) and frame.get("name") == "tsn":
                raise PydanticCustomError("frame", "must be a detector of single frames", {"got": "tsn"})
            return complete("detector", frame)

    tiny = ({"frame": {"name": "compact", "width": 4}, "segments": 3},)

    def __init__(self, **given: Any) -> None:
        super().__init__()
        params = self.Params.read(given)
        frame, segments, image_size = params.frame, params.segments, params.image_size
        if not isinstance(frame, Detector):
            frame = build_detector(**{**frame, "image_size": image_size or frame.get("image_size")})
        if frame.clip_length != 1:
            raise ValueError(
                f"frame must be a detector of single frames; got {type(frame).__name__}. Name another detector."
            )
        self.frame = frame
        self.segments = self.clip_length = segments
        self.needs_masks = frame.needs_masks
        self.min_size = frame.min_size
        self.feature_channels = frame.feature_channels
        if image_size is not None:
            self.check_size(image_size, image_size)

    def check_size(self, height: int, width: int) -> None:
        """Check that the frame detector accepts this size."""
        self.frame.check_size(height, width)

    def features(self, images: Tensor) -> Tensor:
        """Feature maps ``(B * K, C, h, w)`` of all frames of ``(B, K, 3, H, W)`` clips in [0, 1]."""
        return self.frame.features(self._frames(images))

    def classify(self, features: Tensor) -> Tensor:
        """Consensus logits ``(B, 2)`` of ``(B * K, C, h, w)``."""
        return self._consensus(self.frame.classify(features))

    def training_terms(self, images: Tensor, labels: Tensor, masks: Tensor | None) -> TrainingTerms:
        """Consensus logits, with the frames' features and the frame detector's auxiliary terms."""
        terms = self.frame.training_terms(
            self._frames(images),
            labels.repeat_interleave(self.segments),
            None if masks is None else masks.flatten(0, 1),
        )
        return terms._replace(logits=self._consensus(terms.logits))

    def end_epoch(self) -> None:
        """Call the frame detector's own."""
        self.frame.end_epoch()

    def _frames(self, clips: Tensor) -> Tensor:
        if clips.ndim != 5 or clips.shape[1] != self.segments:
            raise ValueError(
                f"images must be clips (B, {self.segments}, 3, H, W); got {tuple(clips.shape)}. "
                "Load clips of as many frames as `segments`."
            )
        return clips.flatten(0, 1)

    def _consensus(self, logits: Tensor) -> Tensor:
        return torch.mean(logits.unflatten(0, (-1, self.segments)), dim=1)
