"""The dtype in which sums and small differences are computed."""

from functools import reduce

import torch
from torch import Tensor


def wide(*dtypes: torch.dtype) -> torch.dtype:
    """The widest of floating dtypes; float32 where all are narrower."""
    return reduce(torch.promote_types, dtypes, torch.float32)


def at_least_float32(values: Tensor) -> Tensor:
    """``values``, of any shape, in float32 or float64: small losses and steps would be lost in bfloat16 and float16."""
    return values.to(wide(values.dtype))
