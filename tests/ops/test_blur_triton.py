"""The fused kernels' logic under Triton's interpreter, on the CPU, against the plain path in float64."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

# The interpreter is chosen when triton is imported, so that it runs in a process of its own.
_SCRIPT = """
import sys
import torch
from deepfake_adv.ops import blur_plain, blur_triton

torch.manual_seed(0)
for case in sys.argv[1:]:
    kernel_size, batch, channels, height, width, dtype = case.split(",")
    kernel_size, dtype = int(kernel_size), getattr(torch, dtype)
    shape = tuple(map(int, (batch, channels, height, width)))
    images, upstream = torch.rand(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    sigma = 1.5 * torch.rand(shape[0], 1, *shape[2:], dtype=torch.float64)
    images, upstream, sigma = (tensor.to(dtype) for tensor in (images, upstream, sigma))
    exact = tuple(tensor.double() for tensor in (images, upstream, sigma))
    out, slope = blur_triton.forward(images, sigma, kernel_size, True)
    alone, nothing = blur_triton.forward(images, sigma, kernel_size, False)
    assert torch.equal(alone, out) and nothing is None
    measured = (
        out, slope, blur_triton.backward_images(upstream, sigma, kernel_size), blur_triton.backward_map(upstream, slope)
    )
    expected = (
        *blur_plain.forward(exact[0], exact[2], kernel_size, True),
        blur_plain.backward_images(exact[1], exact[2], kernel_size),
    )
    expected = (*expected, blur_plain.backward_map(exact[1], expected[1]))
    # The interpreter cuts a bfloat16 off where devices round it: a whole unit in the last place, 2^-7.
    tolerance = {torch.float64: 1e-13, torch.float32: 1e-5, torch.bfloat16: 2**-7}[dtype]
    for name, ours, theirs in zip(("out", "slope", "images", "map"), measured, expected, strict=True):
        assert (ours.double() - theirs).abs().max() <= tolerance * max(theirs.abs().max(), 1), (case, name)
"""


def _run(*cases):
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *cases], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_small_kernels_equal_plain_path():
    _run("3,1,1,4,8,float64", "3,1,1,3,7,float32")  # vector loads, and single loads for an odd width


@pytest.mark.slow
def test_batches_bands_and_dtypes():
    # Grouped channels, single ones, bands that end inside the image, and reduced precision.
    _run("1,1,1,3,4,float64", "3,1,3,5,8,float64", "3,2,1,9,7,float32", "5,1,1,5,12,bfloat16")


@pytest.mark.slow
def test_largest_vector_kernel_equals_plain_path():
    _run("9,1,1,9,12,float64")
