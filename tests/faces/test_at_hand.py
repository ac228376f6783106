import os
import subprocess
import sys

import pytest

from deepfake_adv.faces import alignment, landmarks
from deepfake_adv.faces.alignment import FAN, S3FD
from deepfake_adv.faces.at_hand import missing_models


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(alignment, "find_spec", lambda name: object())
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_what_comes_with_the_packages_is_installed():
    assert missing_models("dlib", "dlib") == []
    assert missing_models("dlib", "none") == []


def test_each_missing_weight_file_is_named_with_its_folder(folder):
    boxes, points = missing_models("face_alignment", "face_alignment")
    assert f"got no {S3FD}" in boxes
    assert f"got no {FAN}" in points
    assert str(folder) in boxes
    assert "set locate.backend" in boxes


def test_weights_that_are_there_are_not_loaded(folder):
    for name in (S3FD, FAN):
        (folder / name).write_bytes(b"no weights at all")
    assert missing_models("face_alignment", "face_alignment") == []


def test_a_package_that_is_not_installed_is_reported_once(folder, monkeypatch):
    for name in (S3FD, FAN):
        (folder / name).touch()
    monkeypatch.setattr(alignment, "find_spec", lambda name: None)
    (found,) = missing_models("face_alignment", "face_alignment")
    assert "make setup" in found


def test_the_landmark_file_of_dlib_is_looked_for(monkeypatch):
    monkeypatch.setattr(landmarks, "find_spec", lambda name: None)
    (found,) = missing_models("dlib", "dlib")
    assert "shape_predictor_68_face_landmarks.dat" in found


def test_looking_for_models_loads_none(root):
    """In a process of its own, since other tests load the package into this one."""
    code = (
        "import sys; from deepfake_adv.faces.at_hand import missing_models; "
        "missing_models('face_alignment', 'face_alignment'); sys.exit('face_alignment' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
