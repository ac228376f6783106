"""Rendered footage: sizes of staged clips, and uploads of a video site's quality."""

import numpy as np
import pytest

from deepfake_adv.corpus import footage
from deepfake_adv.corpus.footage import Rendered, Staging
from deepfake_adv.corpus.render.take import Place


@pytest.mark.parametrize("size", [128, 130])
def test_a_wide_clip_has_the_height_requested_and_the_face_in_it(size):
    staging = Staging(1.5, Place(-0.2, 0.65), ((7, Place(0.2, 0.65)),))
    clip = Rendered(1, 5, 6, size, 25, number=2, staging=staging).load()
    rows, width = clip.frames[0].shape
    assert rows * 2 // 3 == size
    assert width % 2 == 0
    assert abs(width - 1.5 * size) <= 1
    assert clip.points[..., 1].min() > 0
    assert clip.points[..., 1].max() < size
    assert clip.points[..., 0].max() < width / 2
    assert 0.4 * size < np.ptp(clip.points[0, :, 0]) < 0.62 * size  # as large as a face alone


def test_uploads_are_as_strong_as_a_video_sites(monkeypatch):
    drawn = []
    monkeypatch.setattr(footage, "upload", lambda frames, *, crf, fps: drawn.append(crf) or list(frames))
    for identity in range(40):
        Rendered(1, identity, 6, 128, 25).load()
    assert set(drawn) == set(range(22, 30))
