import numpy as np
import pytest

from deepfake_adv.execution.memory import Memory
from deepfake_adv.names import Condition
from deepfake_adv.training import setup
from deepfake_adv.training.setup import build_players, hold_in_memory, make_fabric, open_split


def test_first_weights_are_a_function_of_the_seed(make_plan):
    import torch

    def weights(seed):
        detector, method = build_players(make_plan(), seed)
        return torch.cat([p.flatten() for module in (detector, method) for p in module.parameters()])

    state = torch.random.get_rng_state()
    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_detectors_own_image_size_goes_before_the_recipes(make_plan):
    assert make_plan().image_size == 16
    assert make_plan(detector={"image_size": 32}).image_size == 32


@pytest.mark.parametrize("name", ["grad_bat", "two_gen_bat", "combined_at", "gaussian_blur", "combined_traditional"])
def test_images_smaller_than_the_blurs_window_are_refused_before_training(make_plan, name):
    method = {"name": name, "kernel_size": 17}
    if name == "combined_traditional":
        method = {"name": name, "blur": {"kernel_size": 17}}
    with pytest.raises(ValueError, match=r"kernel_size must be at most the image's shorter side; got 17 .* 16 x 16"):
        build_players(make_plan(method), 0)


def test_images_too_small_for_the_generator_are_refused_before_training(make_plan):
    plan = make_plan({"name": "two_gen_bat", "generator": {"blocks": 1, "width": 4, "scale": 4}})
    with pytest.raises(ValueError, match="sides of at least 20 px for a generator of scale 4; got 16 x 16"):
        build_players(plan, 0)


@pytest.mark.parametrize(("accelerator", "there"), [("cuda", 0), ("cuda", 1), ("auto", 1)])
def test_more_gpus_than_there_are_is_refused(make_device, monkeypatch, accelerator, there):
    monkeypatch.setattr(setup.torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(setup.torch.cuda, "device_count", lambda: there)
    with pytest.raises(ValueError, match=rf"device\.devices must be at most the GPUs of this machine \({there}\)"):
        make_fabric(make_device(accelerator=accelerator, devices=there + 1), "32-true")


@pytest.fixture
def open_train(make_plan):
    def go(manifests, **options):
        options = {"masks": "none", "landmarks": False} | options
        return open_split(make_plan(), manifests / "train.parquet", **options)

    return go


def test_rows_are_those_of_the_condition(shards, open_train):
    data = open_train(shards, frames=2)
    rows = data.rows[Condition("NT", "c23")]
    assert len(rows) == 2 * 4 * 2
    assert set(data.table.strings("quality")[rows]) == {"c23"}


def test_masks_that_are_missing_stop_a_detector_that_needs_them(make_shards, open_train, caplog):
    without = make_shards(masks=False)
    with pytest.raises(ValueError, match=r"every fake must have a mask .* 32 of 32 without, e\.g\. NT/"):
        open_train(without, masks="needed")
    assert not open_train(without, masks="wanted").store.masks
    assert "Trains without masks" in caplog.text


def test_masks_that_are_there_are_read(shards, open_train):
    assert open_train(shards, masks="wanted").store.masks
    assert not open_train(shards, masks="none").store.masks


def test_landmarks_that_are_missing_stop_a_method_that_needs_them(shards, make_shards, open_train):
    assert open_train(shards, landmarks=True).store.landmarks
    with pytest.raises(ValueError, match=r"landmarks must be known .*Set locate\.landmarks"):
        open_train(make_shards(landmarks=False), landmarks=True)


@pytest.mark.parametrize(("masks", "processes"), [("none", 1), ("wanted", 1), ("none", 2)])
def test_a_cache_is_refused_before_decoding_where_it_outgrows_what_is_left(
    shards, open_train, monkeypatch, masks, processes
):
    """All splits together, masks and every process count."""
    splits = [open_train(shards, masks=masks), open_train(shards, masks="none")]
    crops = len(splits[0].union())
    need = processes * crops * 16 * 16 * (3 + 3 + (masks == "wanted"))
    decoded = []
    monkeypatch.setattr(setup.CropStore, "keep_in_memory", lambda self, rows: decoded.append(len(rows)))
    monkeypatch.setattr(setup, "memory_of_job", lambda: Memory(1 << 40, need))
    with pytest.raises(
        ValueError, match=rf"device\.cache must be none .* {2 * crops} crops of 16 px in {processes} proc"
    ):
        hold_in_memory(splits, processes=processes)  # the table of places is what does not fit
    assert not decoded
    places = processes * 2 * 8 * len(splits[0].table)
    monkeypatch.setattr(setup, "memory_of_job", lambda: Memory(1 << 40, need + places))
    hold_in_memory(splits, processes=processes)
    assert decoded == [crops, crops]


def test_memory_holds_what_the_conditions_ask_for_alone(shards, open_train):
    data = open_train(shards)
    hold_in_memory([data], processes=1)
    assert np.array_equal(np.flatnonzero(data.store._slot >= 0), data.rows[Condition("NT", "c23")])


@pytest.mark.parametrize("sampling", ["draws", "pairs", "full"])
def test_a_step_of_two_batches_adds_another_draw_to_the_one_that_it_would_take_alone(
    shards, make_plan, make_device, open_train, sampling
):
    plan, data = make_plan(sampling=sampling, batch_size=4), open_train(shards)
    parts = {"clip_length": 1, "fabric": make_fabric(make_device(), "32-true"), "device": make_device(cache="none")}
    alone, both = (
        setup.train_loader(plan, data, Condition("NT", "c23"), 0, batches_per_step=number, **parts) for number in (1, 2)
    )
    assert len(both) == len(alone)
    rows = []
    for _ in range(plan.train.epochs):
        for one, two in zip(alone, both, strict=True):
            assert len(two) == 2 * len(one)
            assert one.images.equal(two.images[: len(one)])
            assert two.labels[len(one) :].tolist() == one.labels.tolist()
            rows.append(two.rows.tolist())
    assert len({tuple(row) for row in rows}) == len(rows)
    assert any(row[: len(row) // 2] != row[len(row) // 2 :] for row in rows)
