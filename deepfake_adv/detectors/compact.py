"""A small detector of our own, for the demo and for tests: seconds on a CPU, no pretrained weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import register_detector

WIDTHS = (1, 2, 4, 4)  # channels of the four stages, in units of `width`
MOMENTUM = 0.2  # of the batch norms: a demo of 100 steps outruns running statistics of 0.1
GAIN = 4.0  # of the residual, which is small: without it the first batch norm's epsilon counts


def _stage(inputs: int, outputs: int, *, pooled: bool) -> nn.Sequential:
    # Pooled before the batch norm, which then costs a quarter; for a positive scale the result is the same.
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
    layers += [nn.MaxPool2d(2)] if pooled else []
    return nn.Sequential(*layers, nn.BatchNorm2d(outputs, momentum=MOMENTUM), nn.ReLU(inplace=True))


@register_detector("compact")
class Compact(Detector):
    """Four conv-BN-ReLU stages on 2 x 2 blocks of the noise residual, mean and maximum pooling, one linear layer.

    Forgery artefacts live in the finest pixels. So it sees each pixel minus the mean of its 3 x 3
    neighbours, as forensics has long done: on the demo's NT c23 that reaches an AUC of 97 % in 100 steps,
    where the pixels themselves reach 79 %, and 83 % in 160. Unshuffling 2 x 2 blocks into channels
    quarters the cost of the first stage and loses none of them, where a strided or pooled stem would. The
    maximum lets a small forged region speak for the image, the mean reads global statistics. Our own design.

    Args:
        width: Channels of the first stage; 24 gives 138,290 parameters.
        dropout: Probability of dropping a pooled feature in training.
        image_size: Side of the images it will see, pixels; checked at once. None: not checked.

    Raises:
        ValueError: If ``width`` or ``dropout`` is out of range or ``image_size`` is too small.
    """

    residual: Tensor
    min_size = 16  # one cell is left after unshuffling and three poolings

    def __init__(self, *, width: int = 24, dropout: float = 0.0, image_size: int | None = None) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1; got {width}. Set `width` to about 24.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1); got {dropout}. Set 0 for none.")
        if image_size is not None:
            self.check_size(image_size, image_size)
        channels = [width * factor for factor in WIDTHS]
        self.feature_channels = channels[-1]
        residual = torch.full((3, 1, 3, 3), -GAIN / 9)
        residual[:, :, 1, 1] += GAIN
        self.register_buffer("residual", residual, persistent=False)
        self.unshuffle = nn.PixelUnshuffle(2)
        self.stages = nn.Sequential(
            *(
                _stage(inputs, outputs, pooled=index < len(channels) - 1)
                for index, (inputs, outputs) in enumerate(zip([12, *channels], channels, strict=False))
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * self.feature_channels, self.num_classes)

    def extract(self, normalised: Tensor) -> Tensor:
        """``(B, 4 * width, H // 16, W // 16)``."""
        height, width = normalised.shape[-2:]
        spare = (1, 1 + width % 2, 1, 1 + height % 2)  # the window's border, and an even size for the blocks
        padded = functional.pad(normalised, spare, mode="reflect")
        maps = self.unshuffle(functional.conv2d(padded, self.residual, groups=3))
        if normalised.is_contiguous(memory_format=torch.channels_last):
            maps = maps.contiguous(memory_format=torch.channels_last)  # unshuffling falls back to NCHW
        return self.stages(maps)

    def classify(self, features: Tensor) -> Tensor:
        """Logits ``(B, 2)``."""
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1)
        return self.head(self.dropout(pooled))
