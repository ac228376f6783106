"""Clip detectors as classifiers of single frames, for all methods."""

import torch
from torch import Tensor, nn


class FrameModel(nn.Module):
    """A clip detector as a classifier of frames: each frame gets the logits of its clip.

    The consensus stays in the detector, after the perturbation. All frames of a clip share one loss, and each
    contributes its share of the gradient. The sum over frames is then the clip's loss, and a step size has the same
    meaning for images and clips.

    Args:
        detector: ``(B, K, 3, H, W)`` to ``(B, classes)``.
        length: Frames per clip, K.
    """

    def __init__(self, detector: nn.Module, length: int) -> None:
        super().__init__()
        self.detector = detector
        self.length = length

    def forward(self, frames: Tensor) -> Tensor:
        """``(B * K, 3, H, W)`` to ``(B * K, classes)``."""
        logits: Tensor = self.detector(frames.unflatten(0, (-1, self.length)))
        copies = logits.repeat_interleave(self.length, dim=0)
        shared: Tensor = ScaleGradient.apply(copies, 1 / self.length)
        return shared


class ScaleGradient(torch.autograd.Function):
    """The identity; its gradient is multiplied by a constant."""

    @staticmethod
    def forward(values: Tensor, factor: float) -> Tensor:
        """``values`` unchanged."""
        return values.clone()  # forward mode does not allow a view of the input

    @staticmethod
    def setup_context(ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, float], output: Tensor) -> None:
        """Keep the factor."""
        ctx.factor = inputs[1]  # type: ignore[attr-defined]

    @staticmethod
    def jvp(ctx: torch.autograd.function.FunctionCtx, tangent: Tensor, _: None) -> Tensor:
        """The tangent times the factor, as in reverse mode."""
        result: Tensor = tangent * ctx.factor  # type: ignore[attr-defined]
        return result

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient times the factor."""
        return gradient * ctx.factor, None  # type: ignore[attr-defined]


def reverse_gradient(values: Tensor) -> Tensor:
    """The identity with a reversed gradient: parameters before it maximise what parameters after it minimise."""
    reversed_: Tensor = ScaleGradient.apply(values, -1.0)
    return reversed_


def frame_model(detector: nn.Module, clip_length: int | None) -> nn.Module:
    """The detector as a classifier of single frames; the detector itself if it is one."""
    return detector if clip_length is None else FrameModel(detector, clip_length)
