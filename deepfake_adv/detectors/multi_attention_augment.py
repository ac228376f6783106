"""Attention-guided augmentation of `multi_attention`: one region of each image is degraded."""

import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.detectors.multi_attention_loss import Values
from deepfake_adv.ops.gaussian import gaussian_blur
from deepfake_adv.ops.precision import wide

KERNEL, SIGMA = 11, 7.0  # pixels of the reduced image
THRESHOLDS, STEEPNESS = (0.4, 0.6), (3.0, 5.0)


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
