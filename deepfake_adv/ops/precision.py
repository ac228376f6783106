"""The precision in which sums and small differences are taken."""

import torch
from torch import Tensor


def wide(dtype: torch.dtype) -> torch.dtype:
    """float32 for a narrower floating dtype; float32 and float64 as they are."""
    return torch.promote_types(dtype, torch.float32)


def at_least_float32(values: Tensor) -> Tensor:
    """``values``, of any shape, in float32 or float64: bfloat16 and float16 would lose small losses and steps."""
    return values.to(wide(values.dtype))
