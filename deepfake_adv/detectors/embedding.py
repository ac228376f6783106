"""P(fake) and the features it comes from, in one pass."""

import torch
from torch import Tensor

from deepfake_adv.detectors.base import Detector, fake_probability


@torch.inference_mode()
def embed(detector: Detector, images: Tensor) -> tuple[Tensor, Tensor]:
    """Score images, and describe them as the detector sees them.

    Args:
        detector: In eval mode.
        images: ``(B, 3, H, W)`` in [0, 1], or clips ``(B, K, 3, H, W)`` for a detector of clips.

    Returns:
        P(fake) ``(B,)`` float64; the last feature maps' means over places, and over the frames of a clip, ``(B, C)``.

    Raises:
        ValueError: If the shape or size is not one that the detector takes.
    """
    maps = detector.features(images)
    pooled = maps.float().mean((2, 3))  # before `classify`, which may work in place
    if detector.clip_length > 1:
        pooled = pooled.unflatten(0, (-1, detector.clip_length)).mean(1)
    whole = type(detector).forward is Detector.forward  # else a plug-in has a way of its own
    return fake_probability(detector.classify(maps) if whole else detector(images)), pooled
