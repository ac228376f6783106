"""Warping by a flow, and how smooth a flow is (stAdv; Xiao et al., 2018)."""

import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.checks import check_images
from deepfake_adv.ops.precision import wide


def warp_flow(images: Tensor, flow: Tensor) -> Tensor:
    """Fetch every pixel from its place plus the flow, bilinearly; paper Sec. III-A.

    The flow points from the adversarial image's pixel to its source, as in Xiao et al.; the paper words it the
    other way round, which would leave holes. Beyond the border the border's pixels are repeated.

    Args:
        images: ``(B, C, H, W)``, any range.
        flow: ``(B, 2, H, W)``, pixels: rows (down), then columns (right).

    Returns:
        ``(B, C, H, W)``, same dtype as ``images``; differentiable in both arguments.

    Raises:
        ValueError: If a shape is not as above.
    """
    check_images(images)
    check_flow(flow, (images.shape[0], 2, *images.shape[2:]))
    height, width = images.shape[2:]
    dtype = wide(torch.promote_types(images.dtype, flow.dtype))
    flow = flow.to(dtype)
    rows = torch.arange(height, dtype=dtype, device=flow.device)[:, None] + flow[:, 0]
    columns = torch.arange(width, dtype=dtype, device=flow.device) + flow[:, 1]
    grid = torch.stack([_normalised(columns, width), _normalised(rows, height)], -1)
    with torch.autocast(images.device.type, enabled=False):
        warped = functional.grid_sample(
            images.to(dtype), grid, mode="bilinear", padding_mode="border", align_corners=True
        )
    return warped.to(images.dtype)


def flow_smoothness(flow: Tensor) -> Tensor:
    """Return how much the flow differs between neighbours, (B,); Xiao et al. (2018), Eq. (4).

    The sum over every pixel p and each of its four neighbours q of the distance |flow(p) - flow(q)|, in pixels.
    Where two neighbours agree, as in a flow of zeros, the gradient is zero.

    Args:
        flow: ``(B, 2, H, W)``, pixels.

    Raises:
        ValueError: If the shape is not as above.
    """
    check_flow(flow, None)
    total = flow.new_zeros(flow.shape[0])
    for axis in (2, 3):
        squared = flow.diff(dim=axis).square().sum(1)
        same = squared == 0
        # The square root's slope at 0 is infinite: it is taken of 1 there and left out afterwards.
        distance = squared.masked_fill(same, 1).sqrt().masked_fill(same, 0)
        total = total + 2 * distance.sum((1, 2))
    return total


def check_flow(flow: Tensor, expected: tuple[int, ...] | None) -> None:
    """Check a flow's shape: ``expected``, or (B, 2, H, W) of any size.

    Raises:
        ValueError: If it is another, or not floating point.
    """
    wrong = flow.dim() != 4 or flow.shape[1] != 2 if expected is None else flow.shape != expected
    if wrong or not flow.is_floating_point():
        raise ValueError(
            f"flow must be floating point of the shape {expected or '(B, 2, H, W)'}, rows then columns in pixels; "
            f"got {flow.dtype} of {tuple(flow.shape)}. Make one flow per image, of its size."
        )


def _normalised(coordinates: Tensor, size: int) -> Tensor:
    """Map 0 ... size - 1 to -1 ... 1; a single row or column sits at its border anyway."""
    return coordinates * (2 / max(size - 1, 1)) - 1
