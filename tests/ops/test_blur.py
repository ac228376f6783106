"""The pixel-wise blur against a slow float64 reference, its limits, gradients and complaints."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import forward_ad

from deepfake_adv.ops import blur as blur_module
from deepfake_adv.ops import blur_plain
from deepfake_adv.ops.blur import blur_pixelwise


def reference(images, inverse_sigma, kernel_size):
    """Write Eqs. (4) and (5) down as they stand, weights normalised over the window."""
    radius, (height, width) = kernel_size // 2, images.shape[2:]
    padded = F.pad(images, [radius] * 4, mode="reflect") if radius else images
    total, weights = 0, 0
    for u in range(-radius, radius + 1):
        for v in range(-radius, radius + 1):
            weight = torch.exp(-(u * u + v * v) / 2 * inverse_sigma**2)
            total = total + weight * padded[..., radius + u :, radius + v :][..., :height, :width]
            weights = weights + weight
    return total / weights


def example(shape=(2, 3, 17, 19), dtype=torch.float64, scale=2.0, seed=0):
    rng = torch.Generator().manual_seed(seed)
    batch, channels, height, width = shape
    images = torch.rand(shape, generator=rng, dtype=torch.float64)
    inverse_sigma = scale * torch.rand(batch, 1, height, width, generator=rng, dtype=torch.float64)
    upstream = torch.randn(batch, channels, height, width, generator=rng, dtype=torch.float64)
    return tuple(tensor.to(dtype) for tensor in (images, inverse_sigma, upstream))


def with_gradients(function, images, inverse_sigma, upstream, kernel_size):
    images, inverse_sigma = images.clone().requires_grad_(), inverse_sigma.clone().requires_grad_()
    out = function(images, inverse_sigma, kernel_size)
    return (out.detach(), *torch.autograd.grad(out, (images, inverse_sigma), upstream.to(out.dtype)))


def ours(images, inverse_sigma, kernel_size):
    return blur_pixelwise(images, inverse_sigma, kernel_size=kernel_size)


def assert_close(measured, expected, tolerance):
    for ours_, theirs in zip(measured, expected, strict=True):
        assert (ours_.double() - theirs).abs().max() <= tolerance * theirs.abs().max()


@pytest.mark.parametrize("kernel_size", range(3, 16, 2))
def test_value_and_gradients_equal_reference(kernel_size):
    inputs = example()
    assert_close(with_gradients(ours, *inputs, kernel_size), with_gradients(reference, *inputs, kernel_size), 1e-12)


@pytest.mark.parametrize("kernel_size", [3, 5, 9, 15])  # each is compiled by itself
@pytest.mark.parametrize("plain", [False, True])
def test_float32_equals_reference(kernel_size, plain, monkeypatch):
    if plain:
        monkeypatch.setattr(blur_module, "_implementation", lambda *_: blur_plain)
    inputs = example()
    measured = with_gradients(ours, *(tensor.float() for tensor in inputs), kernel_size)
    assert_close(measured, with_gradients(reference, *inputs, kernel_size), 1e-5)


@pytest.mark.parametrize("scale", [0.01, 20.0])
def test_strong_and_weak_blur_equal_reference(scale):
    inputs = example(scale=scale)
    measured = with_gradients(ours, *(tensor.float() for tensor in inputs), 9)
    expected = with_gradients(reference, *inputs, 9)
    assert_close(measured, expected, 2e-5)


@pytest.mark.parametrize("values", [1, 40, 300])
def test_strips_of_the_plain_path_join_seamlessly(values, monkeypatch):
    monkeypatch.setattr(blur_plain, "_STRIP_VALUES", values)
    inputs = example((3, 2, 11, 10))
    assert_close(with_gradients(ours, *inputs, 5), with_gradients(reference, *inputs, 5), 1e-12)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_gradcheck_both_arguments(kernel_size):
    images, inverse_sigma, _ = example((1, 2, 6, 5))
    arguments = (images.requires_grad_(), inverse_sigma.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, s: ours(x, s, kernel_size), arguments)
    assert torch.autograd.gradcheck(lambda x: ours(x, inverse_sigma.detach(), kernel_size), arguments[:1])
    assert torch.autograd.gradcheck(lambda s: ours(images.detach(), s, kernel_size), arguments[1:])


def test_kernel_of_one_is_identity():
    images, inverse_sigma, upstream = example()
    out, grad_images, grad_map = with_gradients(ours, images, inverse_sigma, upstream, 1)
    assert torch.equal(out, images)
    assert torch.equal(grad_images, upstream)
    assert not grad_map.any()


def test_large_inverse_sigma_is_identity_and_zero_is_box_mean():
    images, inverse_sigma, _ = example()
    assert torch.equal(ours(images, torch.full_like(inverse_sigma, 1e4), 7), images)
    box = F.avg_pool2d(F.pad(images, [3] * 4, mode="reflect"), 7, stride=1)
    torch.testing.assert_close(ours(images, torch.zeros_like(inverse_sigma), 7), box)


@pytest.mark.parametrize("inverse_sigma", [0.0, 1e-6, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_finite_everywhere(inverse_sigma, dtype):
    images, sigma, upstream = example(dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        results = with_gradients(ours, images, torch.full_like(sigma, inverse_sigma), upstream, 9)
    assert all(torch.isfinite(result).all() for result in results)
    assert results[0].dtype == dtype


def test_bfloat16_images_are_blurred_in_float32():
    images, inverse_sigma, _ = example(dtype=torch.float32)
    images = images.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        out = ours(images, inverse_sigma, 9)
    assert torch.equal(out, ours(images.float(), inverse_sigma, 9).bfloat16())


def test_images_are_independent():
    images, inverse_sigma, _ = example((3, 3, 12, 12))
    whole = ours(images, inverse_sigma, 5)
    single = torch.cat([ours(images[i : i + 1], inverse_sigma[i : i + 1], 5) for i in range(3)])
    torch.testing.assert_close(whole, single, rtol=0, atol=1e-15)


def test_translation_moves_the_result():
    images, inverse_sigma, _ = example((1, 3, 24, 24))
    rolled = ours(images.roll((2, 3), (2, 3)), inverse_sigma.roll((2, 3), (2, 3)), 5)
    torch.testing.assert_close(rolled[..., 6:-4, 7:-3], ours(images, inverse_sigma, 5)[..., 4:-6, 4:-6])


def test_mean_is_kept_within_range_and_of_constants():
    images, inverse_sigma, _ = example()
    out = ours(images, inverse_sigma, 9)
    assert images.min() <= out.min()
    assert out.max() <= images.max()
    constant = torch.full_like(images, 0.3)
    torch.testing.assert_close(ours(constant, inverse_sigma, 9), constant)


def test_memory_layout_does_not_matter():
    inputs = example(dtype=torch.float32)
    expected = with_gradients(ours, *inputs, 5)
    strided = tuple(tensor.to(memory_format=torch.channels_last) for tensor in inputs)
    for measured in (with_gradients(ours, *strided, 5), with_gradients(ours, *(_transposed(t) for t in inputs), 5)):
        for first, second in zip(measured, expected, strict=True):
            assert torch.equal(first, second)


def _transposed(tensor):
    return tensor.transpose(2, 3).contiguous().transpose(2, 3)


def test_saves_little_for_backward():
    images, inverse_sigma, _ = example((2, 3, 32, 32), torch.float32)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.nbytes) or t, lambda t: t):
        ours(images.requires_grad_(), inverse_sigma.requires_grad_(), 9)
    # The slope (the images' size) and the map: 1/120 of 81 weights on three channels and their products.
    assert sum(saved) <= images.nbytes + inverse_sigma.nbytes


def test_second_derivative_is_refused():
    images, inverse_sigma, _ = example((1, 1, 5, 5))
    out = ours(images, inverse_sigma.requires_grad_(), 3).square().sum()
    with pytest.raises(RuntimeError, match="differentiated once"):
        torch.autograd.grad(out, inverse_sigma, create_graph=True)


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_forward_mode_equals_reference(which, dtype):
    """torch drops the tangents of a custom operator: the derivative would be 0 without an error."""
    inputs, tangents = list(example(dtype=dtype)[:2]), list(example(dtype=dtype, seed=1)[:2])

    def of(function):
        def some(*values):
            given = dict(zip(which, values, strict=True))
            return function(*(given.get(place, value) for place, value in enumerate(inputs)), 5)

        chosen = [tuple(values[place] for place in which) for values in (inputs, tangents)]
        return torch.func.jvp(some, *chosen)

    assert_close(of(ours), of(reference), 1e-12 if dtype == torch.float64 else 1e-5)


def test_forward_mode_gradcheck():
    images, inverse_sigma, _ = example((1, 2, 5, 6))
    inputs = (images.requires_grad_(), inverse_sigma.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, s: ours(x, s, 3), inputs, check_forward_ad=True)


def test_forward_mode_of_a_backward_pass_is_refused():
    images, inverse_sigma, _ = example((1, 1, 5, 5))
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(inverse_sigma, torch.ones_like(inverse_sigma))
        with pytest.raises(RuntimeError, match="differentiated once only; got both modes"):
            ours(images.clone().requires_grad_(), dual, 3)
        weights = forward_ad.make_dual(images, torch.ones_like(images))
        out = (ours(images, inverse_sigma.requires_grad_(), 3) * weights).sum()
        with pytest.raises(RuntimeError, match="differentiated once only; got forward mode through its gradient"):
            torch.autograd.grad(out, inverse_sigma)


def test_operator_follows_torch_rules():
    images, inverse_sigma, _ = example((1, 2, 6, 7))
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(blur_module._blur, (images, inverse_sigma.requires_grad_(), 3, True), test_utils=checks)


def test_compiles_into_one_graph():
    images, inverse_sigma, upstream = example((1, 2, 8, 8))
    compiled = torch.compile(ours, backend="aot_eager", fullgraph=True)
    assert_close(
        with_gradients(compiled, images, inverse_sigma, upstream, 3),
        with_gradients(ours, images, inverse_sigma, upstream, 3),
        1e-14,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(3, 8, 8)}, "images must have the shape"),
        ({"images": torch.zeros(1, 3, 8, 8, dtype=torch.uint8)}, "images must be floating point"),
        ({"inverse_sigma": torch.ones(1, 3, 8, 8)}, "inverse_sigma must be floating point of the shape"),
        ({"inverse_sigma": torch.ones(1, 1, 8, 7)}, "inverse_sigma must be floating point of the shape"),
        ({"inverse_sigma": torch.ones(1, 1, 8, 8, device="meta")}, "on the images' device"),
        ({"inverse_sigma": torch.full((1, 1, 8, 8), math.inf)}, "inverse_sigma must be finite"),
        ({"images": torch.full((1, 3, 8, 8), math.nan)}, "images must be finite; got 192 NaN"),
        ({"kernel_size": 4}, "kernel_size must be an odd integer"),
        ({"kernel_size": -3}, "kernel_size must be an odd integer"),
        ({"kernel_size": 3.0}, "kernel_size must be an odd integer"),
        ({"kernel_size": 9}, "kernel_size must be at most the image's shorter side; got 9 for images of 8 x 8"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"images": torch.zeros(1, 3, 8, 8), "inverse_sigma": torch.ones(1, 1, 8, 8), "kernel_size": 3}
    with pytest.raises(ValueError, match=message):
        blur_pixelwise(**(arguments | change))


def test_empty_batch():
    assert blur_pixelwise(torch.zeros(0, 3, 8, 8), torch.zeros(0, 1, 8, 8), kernel_size=3).shape == (0, 3, 8, 8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("kernel_size", [1, 3, 5, 9, 15])
@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (2, 3, 33, 45), (1, 4, 20, 1024)])
def test_gpu_equals_reference(kernel_size, shape):
    inputs = example(shape)
    measured = with_gradients(ours, *(tensor.float().cuda() for tensor in inputs), kernel_size)
    expected = (
        with_gradients(reference, *inputs, kernel_size)
        if kernel_size > 1
        else (inputs[0], inputs[2], torch.zeros_like(inputs[1]))
    )
    for ours_, theirs in zip(measured, expected, strict=True):
        assert (ours_.cpu().double() - theirs).abs().max() <= 1e-5 * max(theirs.abs().max(), 1e-3)
