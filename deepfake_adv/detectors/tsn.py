"""Wang et al., "Temporal Segment Networks": one frame detector over K frames of a clip."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from deepfake_adv.detectors.base import Detector, TrainingTerms
from deepfake_adv.detectors.registry import build_detector, register_detector


class Tsn(Detector):
    """Mean of a frame detector's logits over K frames, one from each of K equal segments of a video.

    The consensus is taken before the softmax, and the cross-entropy on it. The paper names TSN without its
    K, so that ``segments`` is our choice. Auxiliary terms of the frame detector are taken frame by frame.

    Args:
        frame: The detector of single frames.
        segments: K, frames per clip.
        image_size: Side of the frames it will see, pixels; checked at once. None: not checked.

    Raises:
        ValueError: If ``segments`` is below 2, ``frame`` takes clips, or it cannot take ``image_size``.
    """

    def __init__(self, frame: Detector, *, segments: int, image_size: int | None = None) -> None:
        super().__init__()
        if segments < 2:
            raise ValueError(
                f"segments must be at least 2; got {segments}. Set `segments` to 3 or more, or take `frame` alone."
            )
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
        """Refuse a size that the frame detector cannot take."""
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
        """Pass it on to the frame detector."""
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


@register_detector("tsn")
def build_tsn(*, frame: Mapping[str, Any] | Detector, image_size: int | None = None, **params: Any) -> Tsn:
    """A TSN over a detector of frames, or over the one that an entry of `detectors` names."""
    if not isinstance(frame, Detector):
        frame = build_detector(**{**frame, "image_size": image_size or frame.get("image_size")})
    return Tsn(frame, image_size=image_size, **params)
