"""The precision in which sums and small differences are taken."""

from functools import reduce

import torch
from torch import Tensor


def wide(*dtypes: torch.dtype) -> torch.dtype:
    """The widest of floating dtypes; float32 where all are narrower."""
    return reduce(torch.promote_types, dtypes, torch.float32)


def at_least_float32(values: Tensor) -> Tensor:
    """``values``, of any shape, in float32 or float64: bfloat16 and float16 would lose small losses and steps."""
    return values.to(wide(values.dtype))
