"""The real training step is timed, on a detector that is small enough for it."""

import pytest
import torch

from deepfake_adv.planning import calibrate as module
from deepfake_adv.planning.calibrate import calibrate, made_up
from deepfake_adv.planning.calibrate_studies import ENOUGH, made_up_pictures, seconds_each, time_robustness
from deepfake_adv.planning.calibration import pairs_of, read_findings, untrained
from deepfake_adv.planning.studies import STUDIES, study_pairs

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


TINY_STUDIES = {
    "attack__images": {"source": "identities", "folder": None, "count": 9, "image_size": 32, "batch_size": 2},
    "attack__classifiers": {"one": {"architecture": "test_resnet", "image_size": 32, "pretrained": False}},
    "attack__kernel_sizes": [3],
    "attack__starts": [1],
    "robustness__runs": ["compact_baseline", "compact_grad_bat"],
    "robustness__batch_size": 4,
    "robustness__crf": [23],
}


def test_a_study_is_timed_by_its_own_code(profile, tmp_path):
    params = profile("demo", **SMALL, **TINY_STUDIES)
    found = calibrate(params, study_pairs(params).values(), path=tmp_path / "calibration.json")
    assert [each.digest for each in found] == [study_pairs(params)[study].digest for study in STUDIES]
    attack, robustness = found
    assert min(attack.step, attack.image, robustness.image, robustness.build) > 0
    assert robustness.step == 0  # trains nothing


@pytest.mark.parametrize(("each", "tried"), [(ENOUGH, [1]), (ENOUGH / 3, [1, 2, 4]), (0.0, [1, 2, 4, 5])])
def test_no_more_images_are_timed_than_show_their_speed(each, tried):
    done = []

    def timed(work):
        work()
        return each * done[-1]

    assert seconds_each(done.append, 5, timed) == pytest.approx(each)
    assert done == [1, *tried]  # the first of all is not timed


def test_robustness_scores_every_version_by_every_detector(profile):
    """An image is timed in all its versions: the time is of the study's own calls."""
    params, calls = profile("demo", **SMALL, **TINY_STUDIES), []

    def timed(work):
        calls.append(work())
        return 1.0

    time_robustness(params, torch.device("cpu"), timed)
    wanted = params.robustness
    levels = sum(len(getattr(wanted, name)) for name in ("jpeg", "blur", "noise", "resize", "crf"))
    versions = levels + 1 + len(wanted.attacks) * len(wanted.runs)
    assert calls[-1].shape == (wanted.batch_size, versions * len(wanted.runs))


def test_pictures_of_a_video_follow_each_other():
    pictures = made_up_pictures(6, 16, classes=2, frames=4)
    assert pictures.videos.tolist() == [0, 0, 0, 0, 1, 1]
    assert pictures.decode(pictures.videos).shape == (6, 16, 16, 3)


def test_no_weights_are_fetched():
    entry = {"name": "tsn", "frame": {"pretrained": True, "weights": "file"}, "weights": {"map": 0.1}, "pretrained": 1}
    found = untrained(entry)
    assert found["frame"] == {"pretrained": False, "weights": None}
    assert found["pretrained"] is False
    assert untrained({"weights": {"map": 0.1}})["weights"] == {"map": 0.1}  # no file of a network


@pytest.mark.parametrize(("clip", "shape"), [(1, (4, 3, 16, 16)), (5, (4, 5, 3, 16, 16))])
def test_images_come_as_the_loader_gives_them(clip, shape):
    batch = made_up(4, clip, 16, masks=True, channels_last=True)
    assert batch.images.shape == shape
    assert batch.labels.tolist() == [0, 0, 1, 1]
    assert batch.masks.shape == (*shape[:-3], 1, 16, 16)
    assert batch.landmarks.shape == (*shape[:-3], 68, 2)
    assert made_up(4, clip, 16, masks=False).masks is None
