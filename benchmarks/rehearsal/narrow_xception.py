"""A plug-in of the rehearsal: timm's Xception, an eighth as wide.

timm has small members of most families, of Xception none: 36 checkpoints of 83 MB would fill the rehearsal's disk. The
runs of `ffd` and `xception_sladd`, five in all, keep the full width.
"""

from typing import Any

import torch
from timm.models import register_model
from timm.models.xception import Block, SeparableConv2d
from timm.models.xception import Xception as FullXception
from torch import nn

from deepfake_adv.detectors.backbone import Xception
from deepfake_adv.detectors.registry import register_detector

NARROWER = 8


class NarrowXception(FullXception):
    """The published blocks with channels divided by `NARROWER`."""

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
            setattr(self, f"block{number}", Block(c728, c728, 3, 1))
        self.block12 = Block(c728, c1024, 2, 2, grow_first=False)
        self.conv3, self.bn3 = SeparableConv2d(c1024, c1536, 3, 1, 1), nn.BatchNorm2d(c1536)
        self.conv4, self.bn4 = SeparableConv2d(c1536, c2048, 3, 1, 1), nn.BatchNorm2d(c2048)
        self.reset_classifier(num_classes)


@register_model
def xception_narrow(pretrained: bool = False, **arguments: Any) -> NarrowXception:
    """As timm's factory calls it; there are no weights."""
    return NarrowXception(**arguments)


@register_detector("xception_narrow")
class XceptionNarrow(Xception):
    """The detector `xception` on the narrow model."""

    class Params(Xception.Params):
        """Arguments of `xception`; `model` is the narrow one."""

        model: str = "xception_narrow"
