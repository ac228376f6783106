"""The pixel-wise blur as fused Triton kernels for CUDA devices; the formulas are those of blur_plain.py.

A program walks down a band of rows, four neighbouring pixels to a lane: their windows' columns come as a few vector
loads and stay in registers, so that a pixel costs arithmetic and hardly any loads. Powers of q come by multiplication
from one exponential. Nothing but the results is written. Tuned by instruction counts, for kernels up to 9: wider ones
would exceed the registers and take minutes to compile, so blur.py does not use these kernels for them.

Index reflection serves both directions: an offset that leaves the image reads the mirrored pixel, and the adjoint
reads the same mirrored pixel with a multiplicity (blur_kernels.py), so that no border has to be added back afterwards.
"""

from types import SimpleNamespace

import torch
import triton
import triton.language as tl
from torch import Tensor

from deepfake_adv.ops import blur_kernels
from deepfake_adv.ops.precision import wide

_FORWARD_ROWS = 8  # unrolled; the code of more rows outgrows the instruction cache
_BACKWARD_ROWS = 32
_FLAT_BLOCK = 1024


def forward(images: Tensor, inverse_sigma: Tensor, kernel_size: int, slope: bool) -> tuple[Tensor, Tensor | None]:
    """Blur ``images`` (B, C, H, W) by ``inverse_sigma`` (B, 1, H, W), as ``blur_plain.forward``."""
    images, inverse_sigma = images.contiguous(), inverse_sigma.contiguous()
    out = torch.empty_like(images)
    dtype = wide(images.dtype, inverse_sigma.dtype)
    slopes = torch.empty(images.shape, dtype=dtype, device=images.device) if slope else None
    plan = _plan(images, _FORWARD_ROWS)
    blur_kernels.forward_kernel[(plan.programs,)](
        images, inverse_sigma, out, out if slopes is None else slopes, *images.shape[1:],
        RADIUS=kernel_size // 2, ROWS=_FORWARD_ROWS, LANES=plan.lanes, VECTORS=plan.vectors, SLOPE=slope,
        DTYPE=_triton_dtype(dtype), num_warps=plan.warps,
    )  # fmt: skip
    return out, slopes


def backward_images(grad: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """Return the gradient for the images (B, C, H, W), as ``blur_plain.backward_images``."""
    grad, inverse_sigma = grad.contiguous(), inverse_sigma.contiguous()
    out = torch.empty_like(grad)
    plan = _plan(grad, _BACKWARD_ROWS)
    group = 3 if grad.shape[1] % 3 == 0 else 1  # three channels share a pixel's weights
    blur_kernels.backward_images_kernel[(plan.programs // group,)](
        grad, inverse_sigma, out, *grad.shape[1:],
        RADIUS=kernel_size // 2, ROWS=_BACKWARD_ROWS, LANES=plan.lanes, VECTORS=plan.vectors, GROUP=group,
        DTYPE=_triton_dtype(wide(grad.dtype, inverse_sigma.dtype)), num_warps=plan.warps,
    )  # fmt: skip
    return out


def backward_map(grad: Tensor, slope: Tensor) -> Tensor:
    """Return the gradient for ``inverse_sigma`` (B, 1, H, W) from the output's gradient and the slope."""
    grad = grad.contiguous()
    batch, channels, height, width = grad.shape
    out = torch.empty(batch, 1, height, width, dtype=slope.dtype, device=slope.device)
    blocks = triton.cdiv(height * width, _FLAT_BLOCK)
    blur_kernels.backward_map_kernel[(batch * blocks,)](
        grad, slope, out, channels, height * width, BLOCK=_FLAT_BLOCK, DTYPE=_triton_dtype(slope.dtype)
    )
    return out


def _plan(images: Tensor, rows: int) -> SimpleNamespace:
    """Choose the lanes (a power of two, four columns each), and whether columns can be loaded as vectors."""
    batch, channels, height, width = images.shape
    lanes = min(128, triton.next_power_of_2(max(8, triton.cdiv(width, 4))))
    programs = batch * channels * triton.cdiv(height, rows) * triton.cdiv(width, 4 * lanes)
    vectors = width % 4 == 0 and width >= 8
    return SimpleNamespace(lanes=lanes, programs=programs, vectors=vectors, warps=max(1, lanes // 32))


def _triton_dtype(dtype: torch.dtype) -> tl.dtype:
    return tl.float64 if dtype == torch.float64 else tl.float32
