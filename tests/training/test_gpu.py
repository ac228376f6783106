"""The loop on a CUDA device: precisions, compiled detectors, a batch that is too large."""

import pytest
import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.training.setup import build_players, make_fabric
from deepfake_adv.training.step import TrainingStep

pytestmark = pytest.mark.gpu

GENERATOR = {"blocks": 1, "width": 8}
METHODS = {
    "baseline": {"name": "baseline"},
    "grad_bat": {"name": "grad_bat", "kernel_size": 9},
    "alternating": {"name": "two_gen_bat", "kernel_size": 9, "generator": GENERATOR},
    "reversal": {"name": "two_gen_bat", "kernel_size": 9, "generator": GENERATOR, "update": "reversal"},
}


@pytest.fixture
def make_step(make_plan, make_device):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")

    def make(method, precision="32-true", *, compiled=False, **changes):
        fabric = make_fabric(make_device(accelerator="cuda"), precision)
        plan = make_plan(METHODS[method], precision=precision, **changes)
        return TrainingStep(fabric, *build_players(plan, 0), plan.train, seed=0, channels_last=True, compiled=compiled)

    return make


def toy(count=16, side=32):
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(count) * 2 // count
    images = torch.rand(count, 3, side, side, generator=rng)
    images[labels == 1, :, ::2] *= 0.8  # stripes give the fakes away
    return Batch(images, labels, rows=torch.arange(count)).to("cuda")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("method", METHODS)
def test_every_precision_learns(make_step, method, precision):
    step = make_step(method, precision, image_size=32, batch_size=16, learning_rate=3e-3)
    losses = [step.run(toy(), number)["loss"].item() for number in range(30)]
    assert all(loss - loss == 0 for loss in losses)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_a_compiled_detector_learns_the_same(make_step):
    steps = [make_step("alternating", compiled=compiled, image_size=32) for compiled in (False, True)]
    losses = [[step.run(toy(), number)["loss"].item() for number in range(3)] for step in steps]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def test_too_large_a_batch_says_what_to_lower(make_step):
    step, batch = make_step("baseline", image_size=32), toy(512, 256)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(RuntimeError, match=r"batch must fit the GPU's memory; got 512 images of 256 px"):
            step.run(batch, 0)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
