"""face_alignment's own networks, from files in torch.hub's folder, with weights made here: the trained ones are not
to be had offline, and what they find is theirs."""

import math

import numpy as np
import pytest

from deepfake_adv.faces.alignment import FAN, S3FD
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.landmarks import build_landmarker
from deepfake_adv.faces.registry import build_locator

pytestmark = pytest.mark.slow
SIDE = 128


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def save_boxes(path, side):
    """Weights that see a square face of `side` in each of the coarsest map's cells, which lie 128 px apart."""
    import torch
    from face_alignment.detection.sfd.net_s3fd import s3fd

    with torch.device("meta"):
        shapes = s3fd().state_dict()
    weights = {name: torch.zeros(value.shape) for name, value in shapes.items()}
    for name, value in weights.items():
        if name.endswith("_mbox_conf.bias"):
            value[0] = 9.0  # background
    weights["conv7_2_mbox_conf.bias"][:] = torch.tensor([0.0, 3.0])
    weights["conv7_2_mbox_loc.bias"][2:] = math.log(side / 512) / 0.2  # the cell's anchor is 512 px wide
    torch.save(weights, path)


def test_s3fd_reads_its_file_and_gives_boxes_in_pixels_of_the_frame(folder):
    save_boxes(folder / S3FD, side=48)
    frame = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    found = build_locator("face_alignment")(frame)
    assert len(found) == 4
    assert min(found)[:4] == pytest.approx((40, 40, 88, 88), abs=1e-3)
    assert max(found)[:4] == pytest.approx((168, 168, 216, 216), abs=1e-3)
    assert all(box.confidence == pytest.approx(1 / (1 + math.exp(-3))) for box in found)
    twice = np.repeat(np.repeat(frame, 2, axis=0), 2, axis=1)
    assert min(build_locator("face_alignment", scale=0.5)(twice))[:4] == pytest.approx((80, 80, 176, 176), abs=1e-3)


def test_fan_reads_its_file_and_gives_68_points_around_the_box(folder):
    import torch
    from face_alignment.models import FAN as Network

    torch.manual_seed(0)
    torch.save(Network(4).state_dict(), folder / FAN)
    frame = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    points = build_landmarker("face_alignment")(frame, FaceBox(40, 40, 88, 88, 1.0))
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    assert (np.abs(points - 64) < 56).all()  # it looks at a window of twice the box
    assert len(np.unique(points, axis=0)) > 10
