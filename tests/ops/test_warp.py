"""The flow warp against a pixel-by-pixel reference, and the smoothness penalty."""

import math

import pytest
import torch

from deepfake_adv.ops.warp import flow_smoothness, warp_flow


def example(shape=(2, 3, 7, 9), reach=2.5):
    rng = torch.Generator().manual_seed(1)
    images = torch.rand(shape, generator=rng, dtype=torch.float64)
    flow = (2 * torch.rand(shape[0], 2, *shape[2:], generator=rng, dtype=torch.float64) - 1) * reach
    return images, flow


def test_equals_slow_bilinear_reference():
    images, flow = example()
    batch, _, height, width = images.shape
    out = warp_flow(images, flow)
    for n in range(batch):
        for i in range(height):
            for j in range(width):
                row = min(max(i + flow[n, 0, i, j].item(), 0), height - 1)
                column = min(max(j + flow[n, 1, i, j].item(), 0), width - 1)
                top, left = int(row), int(column)
                bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
                down, across = row - top, column - left
                upper = (1 - across) * images[n, :, top, left] + across * images[n, :, top, right]
                lower = (1 - across) * images[n, :, bottom, left] + across * images[n, :, bottom, right]
                torch.testing.assert_close(out[n, :, i, j], (1 - down) * upper + down * lower)


def test_first_component_moves_rows_down():
    images, flow = example()
    shifted = torch.zeros_like(flow)
    shifted[:, 0] = 1
    torch.testing.assert_close(warp_flow(images, shifted)[:, :, :-1], images[:, :, 1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_no_flow_is_identity(dtype):
    images, flow = (tensor.to(dtype) for tensor in example())
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        out = warp_flow(images, torch.zeros_like(flow))
    assert out.dtype == dtype
    torch.testing.assert_close(out, images, rtol=0, atol=1e-5)


def test_single_row_or_column():
    assert torch.isfinite(warp_flow(torch.rand(1, 1, 1, 5), torch.rand(1, 2, 1, 5))).all()


def test_gradcheck_both_arguments():
    images, flow = example((1, 2, 4, 5), reach=0.9)
    flow = flow.clamp(-0.8, 0.8).where(flow.abs() > 0.05, 0.3)  # bilinear sampling has kinks at whole pixels
    assert torch.autograd.gradcheck(warp_flow, (images.requires_grad_(), flow.requires_grad_()))


def test_smoothness_equals_slow_reference():
    _, flow = example((2, 1, 4, 5))
    expected = torch.zeros(2, dtype=torch.float64)
    for n in range(2):
        for i in range(4):
            for j in range(5):
                for row, column in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                    if 0 <= row < 4 and 0 <= column < 5:
                        expected[n] += math.dist(flow[n, :, i, j].tolist(), flow[n, :, row, column].tolist())
    torch.testing.assert_close(flow_smoothness(flow), expected)


def test_smoothness_gradcheck_and_zero_flow():
    _, flow = example((1, 1, 3, 4))
    assert torch.autograd.gradcheck(flow_smoothness, flow.requires_grad_())
    still = torch.zeros(1, 2, 4, 4, requires_grad=True)
    value = flow_smoothness(still)
    (gradient,) = torch.autograd.grad(value.sum(), still)
    assert value.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("shape", [(1, 2, 4), (1, 3, 4, 4), (2, 2, 4, 4), (1, 2, 4, 5)])
def test_bad_flow_is_named(shape):
    with pytest.raises(ValueError, match="flow must be floating point of the shape"):
        warp_flow(torch.zeros(1, 3, 4, 4), torch.zeros(shape))
    if len(shape) != 4 or shape[1] != 2:
        with pytest.raises(ValueError, match="flow must be"):
            flow_smoothness(torch.zeros(shape))


def test_bad_images_are_named():
    with pytest.raises(ValueError, match="images must have the shape"):
        warp_flow(torch.zeros(3, 4, 4), torch.zeros(1, 2, 4, 4))
