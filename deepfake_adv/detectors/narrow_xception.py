"""timm's Xception, an eighth as wide and with two of its eight middle blocks: seconds on a CPU, no pretrained weights.

timm has small members of most families, of Xception none. The names of its parts are those of the published one, so
that a detector that cuts it between two blocks, as `ffd` does, works on both.
"""

from typing import Any, Final

import torch
from timm.models import register_model
from timm.models.xception import Block, SeparableConv2d, Xception
from torch import nn

NARROWER: Final = 8
LEFT_OUT: Final = (5, 6, 7, 9, 10, 11)  # middle blocks; 4 and 8 stay, on both sides of the place of ffd's map


class NarrowXception(Xception):
    """The published blocks with channels divided by `NARROWER`, without those of `LEFT_OUT`."""

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0, **others: Any) -> None:
        with torch.device("meta"):  # of its layers only those without weights stay
            super().__init__(num_classes, in_chans, drop_rate)
        c32, c64, c128, c256, c728, c1024, c1536, c2048 = (
            channels // NARROWER for channels in (32, 64, 128, 256, 728, 1024, 1536, 2048)
        )
        self.num_features = c2048
        self.conv1, self.bn1 = nn.Conv2d(in_chans, c32, 3, 2, 0, bias=False), nn.BatchNorm2d(c32)
        self.conv2, self.bn2 = nn.Conv2d(c32, c64, 3, bias=False), nn.BatchNorm2d(c64)
        self.block1 = Block(c64, c128, 2, 2, start_with_relu=False)
        self.block2 = Block(c128, c256, 2, 2)
        self.block3 = Block(c256, c728, 2, 2)
        for number in range(4, 12):
            setattr(self, f"block{number}", nn.Identity() if number in LEFT_OUT else Block(c728, c728, 3, 1))
        self.block12 = Block(c728, c1024, 2, 2, grow_first=False)
        self.conv3, self.bn3 = SeparableConv2d(c1024, c1536, 3, 1, 1), nn.BatchNorm2d(c1536)
        self.conv4, self.bn4 = SeparableConv2d(c1536, c2048, 3, 1, 1), nn.BatchNorm2d(c2048)
        self.reset_classifier(num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as the published one starts
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


@register_model
def legacy_xception_narrow(pretrained: bool = False, **arguments: Any) -> NarrowXception:
    """As timm's factory calls it; there are no weights."""
    return NarrowXception(**arguments)
