import pytest
import torch

from deepfake_adv.training.loss_monitor import LossMonitor


def test_means_are_per_loss_and_survive_a_checkpoint():
    losses = LossMonitor(1)
    losses.add(1, {"loss": torch.tensor(1.0), "clean": torch.tensor(3.0)})
    other = LossMonitor(1)
    other.load_state_dict(losses.state_dict())
    other.add(2, {"loss": torch.tensor(2.0)})
    assert other.means() == {"loss": 1.5, "clean": 3.0}
    assert other.latest == 2.0
    other.reset()
    assert other.means() == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_loss_that_is_not_finite_is_named(value):
    losses = LossMonitor(10)
    for step in range(1, 4):
        losses.add(step, {"loss": torch.tensor(1.0), "adversary": torch.tensor(value if step >= 2 else 0.0)})
    with pytest.raises(FloatingPointError, match=f"adversary is {value} at step 2"):
        losses.check()
