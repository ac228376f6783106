"""Pixel-wise Gaussian blur, paper Eqs. (4) and (5), with gradients for the images and for the map.

One public function with three implementations: a fused kernel on CUDA devices (blur_triton.py, if Triton is installed
and the kernel is at most 9 pixels wide), one on the CPU in float32 (blur_numba.py), and plain torch operations for
everything else (blur_plain.py). All are one custom operator, so that autograd saves one derivative per output value
and the map, and ``torch.compile`` sees a single node.
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from deepfake_adv.ops import blur_plain
from deepfake_adv.ops.checks import check_finite, check_images, check_kernel_size
from deepfake_adv.ops.precision import wide

_WIDEST_FUSED = 9  # wider fused kernels exceed the registers and take minutes to compile


def blur_pixelwise(images: Tensor, inverse_sigma: Tensor, *, kernel_size: int) -> Tensor:
    """Blur every pixel with its own Gaussian; paper Eqs. (4) and (5).

    The weights are normalised over the window; Eq. (4)'s continuous constant does not reach the identity as
    sigma vanishes. Computed in float32 at least, also under autocast. Differentiable once, in both arguments, in
    reverse mode (``backward``) or in forward mode (``torch.func.jvp``, dual numbers).

    Args:
        images: ``(B, C, H, W)``, any range; borders are reflected.
        inverse_sigma: ``(B, 1, H, W)``, 1/pixels, at least 0 (only its square counts); 0 is the box mean of the
            window, and large values leave the image as it is.
        kernel_size: Window width in pixels, odd, at most the image's shorter side.

    Returns:
        ``(B, C, H, W)``, same dtype and device as ``images``.

    Raises:
        ValueError: If a shape, dtype, device or ``kernel_size`` is not as above, or if a value is NaN or infinite.
            Values are checked on the CPU only; on other devices the check would wait for the device.
        RuntimeError: If it is differentiated twice.
    """
    check_images(images)
    check_kernel_size(kernel_size, *images.shape[-2:])
    expected = (images.shape[0], 1, *images.shape[2:])
    if inverse_sigma.shape != expected or not inverse_sigma.is_floating_point():
        raise ValueError(
            f"inverse_sigma must be floating point of the shape {expected}, one channel for all of the image's; "
            f"got {inverse_sigma.dtype} of {tuple(inverse_sigma.shape)}. Use sigma maps of the images' own size."
        )
    if inverse_sigma.device != images.device:
        raise ValueError(
            f"inverse_sigma must be on the images' device, {images.device}; got {inverse_sigma.device}. "
            "Move it with inverse_sigma.to(images.device)."
        )
    if images.device.type == "cpu" and not torch.compiler.is_compiling():
        check_finite(images, name="images")
        check_finite(inverse_sigma, name="inverse_sigma")
    if _tangent(images) is not None or _tangent(inverse_sigma) is not None:
        return _forward_mode(images, inverse_sigma, kernel_size)
    slope = torch.is_grad_enabled() and inverse_sigma.requires_grad
    blurred: Tensor = _blur(images, inverse_sigma, kernel_size, slope)[0]
    return blurred


def _forward_mode(images: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    """The blur with its derivative along the arguments' tangents, which torch drops for custom operators."""
    if torch.is_grad_enabled() and (images.requires_grad or inverse_sigma.requires_grad):
        raise _twice("both modes at a time")
    (pixels, pixels_tangent), (widths, widths_tangent) = map(forward_ad.unpack_dual, (images, inverse_sigma))
    blurred, slope = _blur(pixels, widths, kernel_size, widths_tangent is not None)
    tangent = torch.zeros_like(blurred) if widths_tangent is None else (slope * widths_tangent).to(blurred.dtype)
    if pixels_tangent is not None:  # the blur is linear in the images
        tangent = tangent + _blur(pixels_tangent, widths, kernel_size, False)[0]
    dual: Tensor = forward_ad.make_dual(blurred, tangent)
    return dual


def _tangent(tensor: Tensor) -> Tensor | None:
    """Forward mode's derivative that ``tensor`` carries; None without one."""
    tangent: Tensor | None = forward_ad.unpack_dual(tensor).tangent
    return tangent


def _twice(found: str) -> RuntimeError:
    return RuntimeError(
        f"blur_pixelwise must be differentiated once only; got {found}. "
        "Leave it out, or write the blur as a sum over shifted images where second derivatives are needed."
    )


@torch.library.custom_op("deepfake_adv::blur", mutates_args=())
def _blur(images: Tensor, inverse_sigma: Tensor, kernel_size: int, slope: bool) -> tuple[Tensor, Tensor]:
    """Return the blurred images and, if ``slope``, their derivative by the map (otherwise an empty tensor)."""
    dtype = wide(images.dtype, inverse_sigma.dtype)
    implementation, inputs = _prepare(images, inverse_sigma, dtype, kernel_size)
    out, slopes = implementation.forward(*inputs, kernel_size, slope)
    return out.to(images.dtype), images.new_empty(0, dtype=dtype) if slopes is None else slopes


@_blur.register_fake
def _(images: Tensor, inverse_sigma: Tensor, kernel_size: int, slope: bool) -> tuple[Tensor, Tensor]:
    shape = images.shape if slope else (0,)
    return images.new_empty(images.shape), images.new_empty(shape, dtype=wide(images.dtype, inverse_sigma.dtype))


@torch.library.custom_op("deepfake_adv::blur_backward_images", mutates_args=())
def _backward_images(grad: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    implementation, inputs = _prepare(grad, inverse_sigma, wide(grad.dtype, inverse_sigma.dtype), kernel_size)
    result: Tensor = implementation.backward_images(*inputs, kernel_size)
    return result.to(grad.dtype)


@_backward_images.register_fake
def _(grad: Tensor, inverse_sigma: Tensor, kernel_size: int) -> Tensor:
    return grad.new_empty(grad.shape)


@torch.library.custom_op("deepfake_adv::blur_backward_map", mutates_args=())
def _backward_map(grad: Tensor, slope: Tensor) -> Tensor:
    result: Tensor = _implementation(grad.device.type, slope.dtype, 1).backward_map(grad, slope)
    return result


@_backward_map.register_fake
def _(grad: Tensor, slope: Tensor) -> Tensor:
    return slope.new_empty(slope.shape[0], 1, *slope.shape[2:])


def _save(ctx: Any, inputs: tuple[Tensor, Tensor, int, bool], output: tuple[Tensor, Tensor]) -> None:
    _, inverse_sigma, kernel_size, _ = inputs
    ctx.kernel_size = kernel_size
    ctx.dtype = inverse_sigma.dtype
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(inverse_sigma if ctx.needs_input_grad[0] else None, output[1])


def _backward(ctx: Any, grad: Tensor | None, _: Tensor | None) -> tuple[Tensor | None, Tensor | None, None, None]:
    if grad is None:
        return None, None, None, None
    if torch.is_grad_enabled():
        raise _twice("create_graph=True")
    if _tangent(grad) is not None:
        raise _twice("forward mode through its gradient")
    inverse_sigma, slope = ctx.saved_tensors
    grad_images = _backward_images(grad, inverse_sigma, ctx.kernel_size) if ctx.needs_input_grad[0] else None
    grad_map = _backward_map(grad, slope).to(ctx.dtype) if ctx.needs_input_grad[1] else None
    return grad_images, grad_map, None, None


_blur.register_autograd(_backward, setup_context=_save)


def _prepare(
    first: Tensor, second: Tensor, dtype: torch.dtype, kernel_size: int
) -> tuple[ModuleType, tuple[Tensor, Tensor]]:
    """Choose the implementation, and convert what it does not convert by itself while loading."""
    implementation = _implementation(first.device.type, dtype, kernel_size)
    fused = implementation.__name__.endswith("blur_triton")
    return implementation, (first, second) if fused else (first.to(dtype), second.to(dtype))


def _implementation(device_type: str, dtype: torch.dtype, kernel_size: int) -> ModuleType:
    if device_type == "cuda" and kernel_size <= _WIDEST_FUSED and find_spec("triton") is not None:
        return import_module("deepfake_adv.ops.blur_triton")
    if device_type == "cpu" and dtype == torch.float32:
        return import_module("deepfake_adv.ops.blur_numba")
    return blur_plain
