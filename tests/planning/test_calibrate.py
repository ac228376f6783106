"""The real training step is timed, on a detector that is small enough for it."""

import pytest

from deepfake_adv.planning import calibrate as module
from deepfake_adv.planning.calibrate import calibrate, made_up
from deepfake_adv.planning.calibration import pairs_of, read_findings

SMALL = {"device__accelerator": "cpu", "train__image_size": 32, "train__batch_size": 4, "train__precision": "32-true"}
RUNS = ("compact_baseline", "compact_two_gen_bat", "compact_sladd")


@pytest.fixture
def small(profile):
    return profile("demo", **SMALL)


def test_a_pair_is_timed_once(small, tmp_path, monkeypatch):
    path = tmp_path / "work/calibration.json"
    pairs = list(pairs_of(small, RUNS).values())
    found = calibrate(small, [*pairs, pairs[0]], path=path, steps=2)
    assert [each.digest for each in found] == [pair.digest for pair in pairs]
    assert read_findings(path) == found
    for each in found:
        assert min(each.step, each.image, each.save, each.host_bytes, each.weights_bytes) > 0
        assert (each.kind, each.clip_length, each.gpu_bytes) == ("cpu", 1, 0)
    assert list(path.parent.iterdir()) == [path]  # no checkpoint is left
    monkeypatch.setattr(module, "_measure", None)
    assert calibrate(small, pairs, path=path) == []


def test_one_that_is_stopped_keeps_what_it_found(small, tmp_path, monkeypatch):
    path, measure = tmp_path / "calibration.json", module._measure

    def stopped(params, pair, *rest):
        if pair.method == "two_gen_bat":
            raise KeyboardInterrupt
        return measure(params, pair, *rest)

    monkeypatch.setattr(module, "_measure", stopped)
    pairs = list(pairs_of(small, RUNS[:2]).values())
    with pytest.raises(KeyboardInterrupt):
        calibrate(small, pairs, path=path, steps=1)
    assert [each.digest for each in read_findings(path)] == [pairs[0].digest]


def test_no_weights_are_fetched():
    entry = {"name": "tsn", "frame": {"pretrained": True, "weights": "file"}, "weights": {"map": 0.1}, "pretrained": 1}
    found = module._untrained(entry)
    assert found["frame"] == {"pretrained": False, "weights": None}
    assert found["pretrained"] is False
    assert module._untrained({"weights": {"map": 0.1}})["weights"] == {"map": 0.1}  # no file of a network


@pytest.mark.parametrize(("clip", "shape"), [(1, (4, 3, 16, 16)), (5, (4, 5, 3, 16, 16))])
def test_images_come_as_the_loader_gives_them(clip, shape):
    batch = made_up(4, clip, 16, masks=True, channels_last=True)
    assert batch.images.shape == shape
    assert batch.labels.tolist() == [0, 0, 1, 1]
    assert batch.masks.shape == (*shape[:-3], 1, 16, 16)
    assert batch.landmarks.shape == (*shape[:-3], 68, 2)
    assert made_up(4, clip, 16, masks=False).masks is None
