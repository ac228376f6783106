import pytest
import torch

from deepfake_adv.ops.precision import at_least_float32


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_narrow_values_are_widened_and_wide_ones_kept(given, wanted):
    assert at_least_float32(torch.ones(2, 3, dtype=given)).dtype == wanted
