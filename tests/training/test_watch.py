import pytest
import torch

from deepfake_adv.training.watch import LossWatch


def test_means_are_per_loss_and_survive_a_checkpoint():
    watch = LossWatch(1)
    watch.add(1, {"loss": torch.tensor(1.0), "clean": torch.tensor(3.0)})
    other = LossWatch(1)
    other.load_state_dict(watch.state_dict())
    other.add(2, {"loss": torch.tensor(2.0)})
    assert other.means() == {"loss": 1.5, "clean": 3.0}
    assert other.latest == 2.0
    other.reset()
    assert other.means() == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_loss_that_is_not_finite_is_named(value):
    watch = LossWatch(10)
    for step in range(1, 4):
        watch.add(step, {"loss": torch.tensor(1.0), "adversary": torch.tensor(value if step >= 2 else 0.0)})
    with pytest.raises(FloatingPointError, match=f"adversary is {value} at step 2"):
        watch.look()
