"""Every detector trains with every method of the registry, from shards to scores."""

import pyarrow.parquet as pq
import pytest

from deepfake_adv.methods.registry import METHODS
from deepfake_adv.training.run import train_run
from deepfake_adv.training.score import score_run

GENERATOR = {"kernel_size": 3, "generator": {"blocks": 1, "width": 4}}
ARGUMENTS = {
    "grad_bat": {"kernel_size": 3},
    "gen_bat": GENERATOR,
    "two_gen_bat": GENERATOR,
    "combined_at": GENERATOR,
    "gaussian_blur": {"kernel_size": 3},
    "sladd": {"synthesizer": {"backbone": "compact", "width": 4}},
}
COMPACT = {"name": "compact", "width": 4}
LIGHT = {"compact": COMPACT, "tsn": {"name": "tsn", "frame": COMPACT, "segments": 2}}
HEAVY = {
    "efficientnet": {"name": "efficientnet", "model": "tf_efficientnet_b0.ns_jft_in1k", "image_size": 32},
    "xception": {"name": "xception", "image_size": 64},
    "ffd": {"name": "ffd", "image_size": 64},
    "multi_attention": {"name": "multi_attention", "image_size": 64},
    "vit": {"name": "timm:vit_tiny_patch16_224", "image_size": 32},
    "tsn of ffd": {"name": "tsn", "frame": {"name": "ffd"}, "segments": 2, "image_size": 64},
}


def train_and_score(make_plan, make_device, shards, folder, detector, name):
    method = {"name": name, **ARGUMENTS.get(name, {})}
    plan = make_plan(method, epochs=1, steps_per_epoch=1, batch_size=4, flip=False)
    plan = type(plan)(plan.name, plan.conditions, detector, method, plan.train)
    train_run(plan, shards, folder / "run", device=make_device(), work=folder / "work")
    score_run(folder / "run", shards / "test.parquet", folder / "s.parquet", batch_size=16, accelerator="cpu")
    scores = pq.read_table(folder / "s.parquet")["score"].to_numpy()
    assert len(scores) == pq.read_metadata(shards / "test.parquet").num_rows
    assert (scores >= 0).all()
    assert (scores <= 1).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("detector", LIGHT)
def test_small_detectors(make_plan, make_device, shards, tmp_path, detector, method):
    train_and_score(make_plan, make_device, shards, tmp_path, LIGHT[detector], method)


@pytest.fixture(scope="module")
def few(make_shards_at, tmp_path_factory):
    """Manifests of a few crops: large networks take most of their time to validate and to score."""
    videos = {"train": 2, "val": 1, "test": 1}
    return make_shards_at(tmp_path_factory.mktemp("few"), tier="all", videos=videos, frames=3)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("detector", HEAVY)
def test_every_detector(make_plan, make_device, few, tmp_path, detector, method):
    train_and_score(make_plan, make_device, few, tmp_path, HEAVY[detector], method)
