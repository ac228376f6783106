import pytest
import torch
from torch.nn import functional

from deepfake_adv.generators.resnet import MapHead, ResnetGenerator, fix_norm


def make(**arguments: float) -> ResnetGenerator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResnetGenerator(**{"blocks": 2, "width": 8, **arguments})  # type: ignore[arg-type]


def images(*size: int) -> torch.Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(5, 5), (32, 32), (37, 50), (33, 31)])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, int]) -> None:
    generator = make()
    for mode in (True, False):
        maps = generator.train(mode)(images(*size))
        assert maps.shape == (2, 1, *size)
        assert maps.isfinite().all()
        assert (maps > generator.floor).all()


@pytest.mark.parametrize(("start", "floor"), [(1.0, 0.5), (1.0, 0.0), (2.0, 1.0), (0.1, 0.05)])
def test_starts_near_start_and_unsaturated(start: float, floor: float) -> None:
    generator = make(start=start, floor=floor)
    raws: list[torch.Tensor] = []

    def keep(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        output.retain_grad()
        raws.append(output)

    generator.head.register_forward_hook(keep)
    maps = generator(images(64, 64))
    assert maps.mean().item() == pytest.approx(start, rel=0.1)
    assert maps.std().item() < 0.25 * start
    maps.sum().backward()
    assert raws[0].grad is not None
    slope = raws[0].grad / (start - floor)  # relative to what the map can move
    assert (slope.abs() > 0.05).float().mean() > 0.95
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


def test_paper_size() -> None:
    assert sum(p.numel() for p in ResnetGenerator().parameters()) == pytest.approx(4.29e6, rel=0.01)


def test_head_is_a_plain_convolution() -> None:
    torch.manual_seed(0)
    head, maps = MapHead(5).double(), torch.rand(2, 5, 12, 15, dtype=torch.float64, requires_grad=True)
    plain = functional.conv2d(maps, head.weight, head.bias)
    upstream = torch.rand_like(plain)
    inputs = (maps, head.weight, head.bias)
    torch.testing.assert_close(head(maps), plain)
    torch.testing.assert_close(
        torch.autograd.grad(head(maps), inputs, upstream), torch.autograd.grad(plain, inputs, upstream)
    )
    assert set(head.state_dict()) == {"weight", "bias"}  # checkpoints hold what a plain convolution holds


def test_gradcheck_in_float64() -> None:
    generator = make(width=2, blocks=1).double().eval()
    x = images(6, 5)[:1].double().requires_grad_()
    assert torch.autograd.gradcheck(generator, (x,), atol=1e-6)


def test_autocast_keeps_the_map_in_float32() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert make()(images(16, 16)).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": 0.5, "floor": 0.5}, "start must be above floor"),
        ({"floor": -1.0}, "floor: input should be greater than or equal to 0; got -1"),
        ({"norm": 0.0}, "norm: input should be greater than 0; got 0"),
        ({"width": 0}, "width: input should be greater than or equal to 1; got 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_bad_images() -> None:
    with pytest.raises(ValueError, match="sides of at least 5 px for a generator of scale 1; got 4 x 8"):
        make()(images(4, 8))
    with pytest.raises(ValueError, match=r"images must be .*; got \(1, 2, 3, 8, 8\)"):
        make()(images(8, 8)[None])


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_a_smaller_map_is_enlarged_to_the_images(size):
    generator = ResnetGenerator(blocks=1, width=4, scale=2)
    images = torch.rand(2, 3, *size, requires_grad=True)
    maps = generator(images)
    assert maps.shape == (2, 1, *size)
    maps.sum().backward()
    assert images.grad is not None
    assert (maps > generator.floor).all()
    with pytest.raises(ValueError, match="at least 10 px"):
        generator(torch.rand(1, 3, 8, 8))


def rms_of_precision(maps: torch.Tensor) -> torch.Tensor:
    return maps.pow(-2).pow(-2).mean((1, 2, 3)).sqrt()  # from sigma squared, as the norm's definition has it


@pytest.mark.parametrize("norm", [0.39, 2.0])
def test_each_map_keeps_its_norm(norm: float) -> None:
    generator = make(norm=norm, floor=0.5).double()
    generator.head.weight.data *= 20  # uneven maps
    maps = generator(images(24, 20).double())
    assert maps.std() > 0.1
    torch.testing.assert_close(rms_of_precision(maps), torch.full((2,), norm, dtype=torch.float64))
    assert (maps > 0).all()
    assert maps.min() < 0.5  # no floor besides


def test_the_releases_norm_of_100_at_256_px_is_an_even_sigma_of_1_6() -> None:
    generator = make(norm=100 / 256)
    generator.head.weight.data.zero_()
    maps = generator(images(256, 256)[:1])
    torch.testing.assert_close(1 / maps, torch.full_like(maps, 1.6))
    assert maps.square().norm().item() == pytest.approx(100, rel=1e-5)


def test_a_map_of_the_norm_is_a_fixed_point_and_no_gradient_changes_its_scale() -> None:
    rng = torch.Generator().manual_seed(0)
    maps = fix_norm(torch.rand(2, 1, 5, 6, generator=rng, dtype=torch.float64) + 0.1, 0.7).requires_grad_()
    torch.testing.assert_close(fix_norm(maps, 0.7), maps)
    torch.testing.assert_close(fix_norm(3 * maps, 0.7), maps)
    assert torch.autograd.gradcheck(lambda values: fix_norm(values, 0.7), maps)
    upstream = torch.rand(2, 1, 5, 6, generator=rng, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(fix_norm(maps, 0.7), maps, upstream)
    assert gradient.abs().min() > 0
    torch.testing.assert_close((gradient * maps).sum((1, 2, 3)), torch.zeros(2, dtype=torch.float64))


def test_small_maps_keep_the_norm_in_float32() -> None:
    maps = torch.tensor([1e-12, 3e-12]).view(1, 1, 1, 2)
    assert rms_of_precision(fix_norm(maps, 0.39)).item() == pytest.approx(0.39)
