"""Batch by batch against all images at once: the same scores, whatever the batches."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from deepfake_adv.attacks.ascent import ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.evaluation.metrics import accuracy, auc, curve
from deepfake_adv.ops.draws import rng_per_image
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.degrade import CRF, DEGRADATIONS, FILTERS, encode_video
from deepfake_adv.studies.pictures import Pictures
from deepfake_adv.studies.robustness import Robustness

LEVELS = {"jpeg": [75, 25], "blur": [0, 1], "noise": [5], "resize": [0.5], "crf": [23, 40]}
ATTACKS = {
    "blur": build_attack("blur", epsilon=0.5),  # a label that is a degradation's name too
    "PGD": build_attack("pgd", epsilon=0.02),
}
COUNT, SIDE = 26, 33


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.random((COUNT, 3, 5, 5)))
    smooth = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    pixels = (smooth * 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    videos = np.repeat([0, 1, 2, 3], [9, 7, 5, 5])
    names = pa.array([f"{video}/{k}" for k, video in enumerate(videos)])
    return Pictures(lambda places: pixels[places], SIDE, (videos % 2).astype(np.int64), names, ["real", "fake"], videos)


@pytest.fixture(scope="module")
def detectors():
    made = {}
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        made[name] = build_detector("compact", width=8).eval()
    return made


def study_of(detectors, pictures, batch_size):
    return Robustness(detectors, pictures, LEVELS, ATTACKS, batch_size, seed=3)


def measured(study, folder):
    blocks = Blocks(folder, len(study.pictures), study.batch_size)
    blocks.fill(study.prepare, study.score, desc="robustness", workers=2)
    return study.curves(blocks), study.transfer(blocks), np.concatenate(list(blocks))


def at_once(detectors, pictures, batch_size):
    """All images degraded and attacked in one piece, then scored in the same batches: name to images."""
    pixels = pictures.decode(np.arange(COUNT))
    clean = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float() / 255
    truth, names = torch.from_numpy(pictures.labels), pictures.names.to_pylist()
    for name in DEGRADATIONS:
        for level in LEVELS[name]:
            if name == CRF:
                coded = np.concatenate([encode_video(pixels[pictures.videos == v], level) for v in range(4)])
                yield torch.from_numpy(coded).permute(0, 3, 1, 2).contiguous().float() / 255
            else:
                yield FILTERS[name](clean, level, rng_per_image(names, 3))
    yield clean
    for attack in ATTACKS.values():
        for network in detectors.values():
            rng = rng_per_image(names, 3)
            yield torch.cat([
                ascend(attack, network, clean[s : s + batch_size], truth[s : s + batch_size],
                       rng=rng[s : s + batch_size]).images
                for s in range(0, COUNT, batch_size)
            ])  # fmt: skip


def test_scores_are_those_of_all_images_at_once_to_the_bit(detectors, pictures, tmp_path):
    size = 4  # of videos of nine, seven and five frames: every encoded video reaches beyond a batch
    curves, transfer, scores = measured(study_of(detectors, pictures, size), tmp_path)
    with torch.no_grad():
        expected = [
            torch.cat([fake_probability(judge(part)) for part in images.split(size)]).numpy()
            for images in at_once(detectors, pictures, size)
            for judge in detectors.values()
        ]
    np.testing.assert_array_equal(scores, np.stack(expected, axis=1))
    assert [(row["degradation"], row["level"], row["run"]) for row in curves] == [
        (name, level, run) for name in DEGRADATIONS for level in LEVELS[name] for run in detectors
    ]
    pairs = [("none", None), *((label, source) for label in ATTACKS for source in detectors)]
    assert [(row["attack"], row["source"], row["victim"]) for row in transfer] == [
        (*pair, victim) for pair in pairs for victim in detectors
    ]
    for row, column in zip([*curves, *transfer], expected, strict=True):
        assert row["auc"] == 100 * auc(curve(column, pictures.labels))
        assert row.get("acc", 0) in (0, 100 * accuracy(column, pictures.labels))
    assert len(np.unique(np.stack(expected), axis=0)) > 20  # the versions do differ


def test_scores_do_not_depend_on_the_batch(detectors, pictures, tmp_path):
    one, two = (measured(study_of(detectors, pictures, size), tmp_path / str(size))[2] for size in (3, 26))
    np.testing.assert_allclose(one, two, atol=2e-5)


def test_images_that_are_too_small_are_reported_at_once(detectors, pictures):
    wide = {"blur": [6]}  # a window of 37
    with pytest.raises(ValueError, match="shorter side; got 37 for images of 33"):
        Robustness(detectors, pictures, wide, {}, 4, seed=0).check()
    attacks = {"blur": build_attack("blur", kernel_size=35)}
    with pytest.raises(ValueError, match="shorter side; got 35"):
        Robustness(detectors, pictures, {}, attacks, 4, seed=0).check()
    study_of(detectors, pictures, 4).check()
