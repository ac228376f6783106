"""The CPU's compiled blur: which inputs it takes, and that it equals the plain path in float64 on all of them."""

import multiprocessing

import numba
import pytest
import torch

from deepfake_adv.ops import blur, blur_numba, blur_plain


def example(shape=(3, 2, 13, 11)):
    torch.manual_seed(0)
    batch, _, height, width = shape
    return torch.rand(shape), 2 * torch.rand(batch, 1, height, width), torch.randn(shape)


def results(module, kernel_size, images, inverse_sigma, upstream):
    out, slope = module.forward(images, inverse_sigma, kernel_size, True)
    alone, nothing = module.forward(images, inverse_sigma, kernel_size, False)
    assert nothing is None
    upstream_images = module.backward_images(upstream, inverse_sigma, kernel_size)
    return out, alone, slope, upstream_images, module.backward_map(upstream, slope)


def check(kernel_size, *inputs):
    measured = results(blur_numba, kernel_size, *inputs)
    expected = results(blur_plain, kernel_size, *(tensor.double() for tensor in inputs))
    for ours, exact in zip(measured, expected, strict=True):
        assert ours.dtype == torch.float32
        assert (ours - exact).abs().max() <= 1e-5 * max(exact.abs().max(), 1)


def test_only_float32_on_the_cpu_takes_it():
    assert blur._implementation("cpu", torch.float32, 9) is blur_numba
    assert blur._implementation("cpu", torch.float64, 9) is blur_plain
    assert blur._implementation("mps", torch.float32, 9) is blur_plain


@pytest.mark.parametrize("shape", [(3, 2, 13, 11), (1, 1, 9, 9), (2, 3, 9, 40), (1, 4, 33, 10)])
@pytest.mark.parametrize("kernel_size", [pytest.param(1, marks=pytest.mark.slow), 3, 9])
def test_equals_the_plain_path_in_float64(kernel_size, shape):
    check(kernel_size, *example(shape))


def test_a_kernel_as_wide_as_the_image():
    check(5, *example((2, 3, 5, 6)))


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_no_bit(threads):
    inputs, before = example(), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = results(blur_numba, 5, *inputs)
        torch.set_num_threads(threads)
        shared = results(blur_numba, 5, *inputs)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(alone, shared, strict=True))


def test_strided_tensors_that_want_gradients():
    images, inverse_sigma, upstream = example((2, 3, 12, 12))
    expected = results(blur_numba, 3, images, inverse_sigma, upstream)
    strided = (tensor.transpose(2, 3).contiguous().transpose(2, 3) for tensor in (images, inverse_sigma, upstream))
    with torch.no_grad():
        measured = results(blur_numba, 3, *(tensor.requires_grad_() for tensor in strided))
    assert all(torch.equal(one, other) for one, other in zip(measured, expected, strict=True))


def _blur(queue):
    torch.set_num_threads(3)
    queue.put(results(blur_numba, 3, *example())[0].sum().item())


def test_a_forked_process_starts_threads_of_its_own():
    here = results(blur_numba, 3, *example())[0].sum().item()
    assert blur_numba._threads(2).submit(int).result(timeout=10) == 0
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_blur, args=(queue,))
    process.start()
    assert queue.get(timeout=60) == pytest.approx(here, rel=1e-6)
    process.join(timeout=10)
    assert process.exitcode == 0


def test_it_compiles_where_nothing_can_be_kept(monkeypatch):
    original = numba.njit

    def refuse(*, cache=False, **settings):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return original(**settings)

    monkeypatch.setattr(numba, "njit", refuse)
    assert blur_numba._compile(lambda value: value + 1)(2) == 3
