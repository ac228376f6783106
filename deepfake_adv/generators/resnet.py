"""The CycleGAN residual generator, emitting a map of inverse sigmas; paper Sec. III-C."""

import math
from typing import Any, Self

import torch
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.ops.precision import at_least_float32
from deepfake_adv.params.base import Section

STRIDE = 4  # two stride-2 stages
MIN_SIZE = STRIDE + 1  # reflection in the residual blocks needs two cells
WIDE = 7  # kernel of the first and the last convolution
BORDER = WIDE // 2
HEAD_GAIN = 0.1  # spread of the raw map at the start: a tenth of a Kaiming-initialised layer's


def _unit(inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def _upsample(inputs: int, outputs: int) -> list[nn.Module]:
    up = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False)
    return [up, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    """Two reflection-padded 3 x 3 convolutions with BN, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        second = _unit(channels, channels, 3)[:2]  # no ReLU before the sum
        self.body = nn.Sequential(nn.ReflectionPad2d(1), *_unit(channels, channels, 3), nn.ReflectionPad2d(1), *second)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, h, w)`` to the same shape."""
        result: Tensor = maps + self.body(maps)
        return result


class MapHead(nn.Conv2d):
    """7 x 7 convolution to one channel, in two steps: the kernel's rows as seven channels, then their sum.

    The same sums as of the plain convolution, which with one output channel leaves most of a vector unit idle.
    """

    down: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1, WIDE)
        self.register_buffer("down", torch.eye(WIDE).view(1, WIDE, WIDE, 1), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, h + 6, w + 6)`` to ``(B, 1, h, w)``."""
        rows = functional.conv2d(maps, self.weight[0].transpose(0, 1).unsqueeze(2))
        return functional.conv2d(rows, self.down, self.bias)


def fix_norm(inverse_sigma: Tensor, norm: float) -> Tensor:
    """Maps rescaled so that 1 / sigma squared has the root mean square `norm` over each map.

    Args:
        inverse_sigma: ``(B, 1, H, W)``, 1/pixels, at least 0, and above it somewhere in each map.
        norm: 1/pixels squared, above 0.

    Returns:
        ``(B, 1, H, W)``, 1/pixels; a map that has the norm already, as it is.
    """
    over = (1, 2, 3)
    # the largest entry first, since fourth powers underflow; a factor of the map changes neither result nor gradient
    scaled = inverse_sigma / inverse_sigma.detach().amax(over, keepdim=True)
    return scaled * (norm / scaled.pow(4).mean(over, keepdim=True).sqrt()).sqrt()


class ResnetGenerator(nn.Module):
    """Images to a positive one-channel map of inverse sigmas, one entry per pixel.

    Reflection-padded 7 x 7 convolution, two stride-2 convolutions, residual blocks, two transposed
    convolutions, 7 x 7 convolution to one channel; BN and ReLU throughout.

    The release squares the last layer and clamps it at 1, which leaves most of the pixels without
    gradient at the start; here the map is ``floor + softplus(raw + offset)``: bounded below like the
    clamp, with a gradient everywhere, and close to ``start`` before training.

    ``norm`` is the release's ``--norm``: instead of the clamp, the squared last layer, which is 1 / sigma squared, is
    divided by its L2 norm over the map and multiplied by 100. Here the same of ``softplus(raw + offset)``, with a root
    mean square in place of the L2 norm, so that its meaning does not depend on the images' size. What the generator
    then decides is where an image is blurred, and how unevenly; with a few pixels very sharp it may still blur all the
    others more, since the norm fixes no mean sigma.

    Args:
        given: Fields of `Params`.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Section):
        """Arguments of the generator."""

        blocks: int = Field(3, ge=0, description="Residual blocks.")
        width: int = Field(
            64, ge=1, description="Channels of the first layer; 64 with 3 blocks has 4.3 million parameters."
        )
        start: float = Field(
            1.0,
            gt=0,
            description="The map before training, 1/pixels, above `floor`; under `norm` before it is rescaled.",
        )
        floor: float = Field(
            0.5,
            ge=0,
            description="Lower bound of the map, 1/pixels: no pixel is blurred with a sigma above 1 / floor; 0: none. "
            "The release's clamp corresponds to 1. No effect under `norm`.",
        )
        norm: float | None = Field(
            None,
            gt=0,
            description="Root mean square of each map's 1 / sigma squared, 1/pixels squared, to which it is rescaled; "
            "null: it is not. The release's --norm has 100 / 256 = 0.39 at 256 px, the sigma of an even map then 1.6.",
        )
        scale: int = Field(
            1, ge=1, description="The map is made at 1/scale of the images' size and enlarged; 1 is the paper's."
        )

        @model_validator(mode="after")
        def _start_above_floor(self) -> Self:
            if self.norm is None and self.start <= self.floor:
                raise PydanticCustomError("start", "start must be above floor")
            return self

    def __init__(self, **given: Any) -> None:
        super().__init__()
        params = self.Params.read(given)
        blocks, width, start = params.blocks, params.width, params.start
        floor = params.floor if params.norm is None else 0.0
        self.scale, self.floor, self.norm = params.scale, floor, params.norm
        self.offset = start - floor + math.log(-math.expm1(-(start - floor)))  # softplus(offset) = start - floor
        self.body = nn.Sequential(
            *_unit(3, width, WIDE),
            *_unit(width, 2 * width, 3, stride=2, padding=1),
            *_unit(2 * width, 4 * width, 3, stride=2, padding=1),
            *(ResidualBlock(4 * width) for _ in range(blocks)),
            *_upsample(4 * width, 2 * width),
            *_upsample(2 * width, width),
        )
        self.head = MapHead(width)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight)
        with torch.no_grad():
            self.head.weight.mul_(HEAD_GAIN)
            assert self.head.bias is not None
            self.head.bias.zero_()

    def check_size(self, height: int, width: int) -> None:
        """Refuse images too small for the residual blocks' reflections.

        Raises:
            ValueError: If a side is below 5 pixels at 1/scale of its size.
        """
        if min(height, width) < MIN_SIZE * self.scale:
            raise ValueError(
                f"images must have sides of at least {MIN_SIZE * self.scale} px for a generator of scale {self.scale}; "
                f"got {height} x {width}. Raise `image_size`, or lower `scale` of the method's `generator`."
            )

    def forward(self, images: Tensor) -> Tensor:
        """Map of inverse sigmas.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1], both sides at least 5 pixels at 1/scale of their size.

        Returns:
            ``(B, 1, H, W)``, 1/pixels, above ``floor`` or of the given ``norm``; float32 under autocast.

        Raises:
            ValueError: If ``images`` is not of that shape.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(
                f"images must be (B, 3, H, W); got {tuple(images.shape)}. Pass RGB frames; take clips apart first."
            )
        self.check_size(images.shape[2], images.shape[3])
        size = images.shape[2:]
        if self.scale > 1:
            images = functional.interpolate(images, [-(-side // self.scale) for side in size], mode="area")
        height, width = images.shape[2:]
        spare = (
            -height % STRIDE,
            -width % STRIDE,
        )  # cut off again below, so that any size comes out as it went in
        padded = functional.pad(2 * images - 1, (BORDER, BORDER, BORDER, BORDER), mode="reflect")
        padded = functional.pad(padded, (0, spare[1], 0, spare[0]), mode="replicate")
        maps = functional.pad(self.body(padded), (BORDER, BORDER, BORDER, BORDER), mode="reflect")
        raw = self.head(maps)[:, :, :height, :width]
        if self.scale > 1:
            raw = functional.interpolate(raw, size, mode="bilinear")
        above = functional.softplus(at_least_float32(raw) + self.offset)  # in bf16 it has 3 digits
        return self.floor + above if self.norm is None else fix_norm(above, self.norm)
