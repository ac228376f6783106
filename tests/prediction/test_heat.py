"""Heat maps of every detector that the registry offers, and what they show."""

import numpy as np
import pytest
import torch
from torch import nn

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import DETECTORS, TIMM_PREFIX, build_detector
from deepfake_adv.prediction.heat import ACTIVATION, ATTENTION, MASK, heat_maps

SMALL = [{"name": name, **arguments} for name in (*DETECTORS, TIMM_PREFIX) for arguments in DETECTORS[name].tiny]


def crops_of(count, side=64, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize("entry", SMALL, ids=lambda entry: entry["name"])
def test_every_detector_has_heat_maps(entry):
    torch.manual_seed(0)
    detector = build_detector(**entry).eval()
    heat = heat_maps(detector, crops_of(2, entry.get("image_size", 64)))
    assert heat.maps.shape[0] == 2
    assert heat.maps.ndim == 3
    assert np.isfinite(heat.maps).all()
    assert 0 <= heat.maps.min() <= heat.maps.max() <= 1
    assert heat.kind == {"ffd": MASK, "multi_attention": ATTENTION}.get(entry["name"], ACTIVATION)
    assert all(parameter.grad is None for parameter in detector.parameters())


class Bright(Detector):
    """Says fake by the brightness of its only feature, the mean of 16 x 16 pixels."""

    feature_channels = 1

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def extract(self, normalised):
        return nn.functional.avg_pool2d(normalised.mean(1, keepdim=True) + 1, 16) * self.weight

    def classify(self, features):
        fake = features.mean((1, 2, 3))
        return torch.stack([-fake, fake], 1)


def test_class_activation_is_where_the_evidence_is():
    crop = np.zeros((1, 64, 64, 3), np.uint8)
    crop[0, 16:32, 48:64] = 255
    heat = heat_maps(Bright().eval(), crop)
    assert np.argwhere(heat.maps[0] == 1).tolist() == [[1, 3]]
    assert heat.maps[0].sum() == pytest.approx(1, abs=1e-5)


def test_a_face_without_evidence_has_no_heat():
    assert heat_maps(Bright().eval(), np.zeros((1, 64, 64, 3), np.uint8)).maps.max() == 0


def test_no_crop_has_no_map():
    assert len(heat_maps(Bright().eval(), crops_of(0)).maps) == 0


def test_ffds_map_keeps_its_own_scale():
    torch.manual_seed(0)
    detector = build_detector("ffd").eval()
    images = crops_of(1)
    with torch.inference_mode():
        expected = detector.attention(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)[:, 0].numpy()
    assert np.array_equal(heat_maps(detector, images).maps, expected)
    assert expected.max() < 1
