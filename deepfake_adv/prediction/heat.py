"""Where in a face a detector looks: its own attention map if it has one, else class activation."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfake_adv.detectors.base import Detector

MASK: Final = "the detector's own map of forged pixels, from 0 to 1"
ATTENTION: Final = "the detector's own attention, relative to its largest value"
ACTIVATION: Final = "class activation (Grad-CAM) towards fake, relative to its largest value"

BATCH: Final = 8  # images at a time: gradients need more memory than scores


@dataclass(frozen=True, eq=False)
class Heat:
    """Heat maps of crops.

    Attributes:
        maps: ``(N, h, w)`` float32 in [0, 1], as coarse as the detector's features.
        kind: What they are, for the reader: one of this module's constants.
    """

    maps: NDArray[np.float32]
    kind: str


class _Parted(nn.Module):
    """A detector as its feature map and what follows, so that captum's hook finds the map as a module's output."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector
        self.features = _Features(detector)

    def forward(self, images: Tensor) -> Tensor:
        """Log-odds of fake, ``(B,)``: they alone decide P(fake)."""
        logits = self.detector.classify(self.features(images))
        return logits[:, 1] - logits[:, 0]


class _Features(nn.Module):
    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> Tensor:
        return self.detector.features(images)


def heat_maps(detector: Detector, crops: NDArray[np.uint8]) -> Heat:
    """Heat maps of single crops.

    A detector with one attention map, as FFD, has learnt from forgery masks where pixels are forged: its values are
    shown as they are. Several attention maps are summed, and class activation is Selvaraju et al., "Grad-CAM", of the
    last feature map; both have no scale of their own. A detector of clips is asked frame by frame.

    Args:
        detector: In eval mode; it is left as it is.
        crops: ``(N, S, S, 3)`` uint8 RGB at the detector's size.
    """
    inner = getattr(detector, "frame", None)
    if isinstance(inner, Detector):
        return heat_maps(inner, crops)
    device = next(detector.parameters()).device
    attention = getattr(detector, "attention", None)
    camera = None if attention else LayerGradCam((parted := _Parted(detector)), parted.features)
    found, kind = [], ACTIVATION
    for start in range(0, len(crops), BATCH):
        images = torch.from_numpy(crops[start : start + BATCH]).to(device).permute(0, 3, 1, 2).float().div_(255)
        if attention is not None:
            with torch.inference_mode():
                maps = attention(images)
            kind = MASK if maps.shape[1] == 1 else ATTENTION
            maps = maps.sum(1)
        else:
            assert camera is not None
            maps = camera.attribute(images, relu_attributions=True)[:, 0]
        found.append(maps.detach().float().cpu().numpy())
    joined = np.concatenate(found) if found else np.empty((0, 1, 1), np.float32)
    if kind != MASK:
        joined = joined / np.maximum(joined.max((1, 2), keepdims=True), np.finfo(np.float32).tiny)
    return Heat(np.clip(np.nan_to_num(joined), 0, 1).astype(np.float32), kind)
