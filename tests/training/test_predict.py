import cv2
import numpy as np
import pytest
import torch

from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.files import read_json, sha256, write_json
from deepfake_adv.training import predict as module
from deepfake_adv.training.checkpoint import WEIGHTS, save_weights
from deepfake_adv.training.predict import predict
from deepfake_adv.training.trained import load_trained

COMPACT = {"name": "compact", "width": 4}


@pytest.fixture
def trained(tmp_path):
    def make(entry):
        torch.manual_seed(0)
        folder = tmp_path / "run/NT_c23/seed0"
        save_weights(folder / "detector.safetensors", build_detector(**entry))
        record = {"condition": "NT_c23", "seed": 0, "image_size": 16, "params": {"detector": entry}}
        record["files"] = {"detector.safetensors": sha256(folder / "detector.safetensors")}
        write_json(folder / "run.json", record)
        return folder

    return make


@pytest.fixture
def clip(tmp_path):
    """A folder of frames; the second is black."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(6):
        image = rng.integers(1, 255, (48, 64, 3), np.uint8) * (index != 1)
        cv2.imwrite(str(folder / f"{index:04d}.png"), image.astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def locator(monkeypatch):
    """Finds a face wherever there is light."""
    box = FaceBox(20, 10, 40, 30, 1.0)
    monkeypatch.setattr(module, "build_locator", lambda name: lambda rgb: [box] if rgb.max() > 40 else [])


def test_a_video_is_scored_by_its_frames_with_a_face(clip, trained):
    found = predict(clip, trained(COMPACT), frames=6, accelerator="cpu")
    assert [one.frame for one in found.frames] == [0, 2, 3, 4, 5]
    assert found.missed == (1,)
    assert found.score == pytest.approx(np.mean([one.score for one in found.frames]))
    assert found.trained_on == "NT_c23"
    assert found.to_dict()["frames"][0]["box"] == [20, 10, 40, 30]


def test_an_image_is_scored_as_its_frame_in_a_video(clip, trained):
    folder = trained(COMPACT)
    alone = predict(clip / "0003.png", folder, accelerator="cpu")
    together = predict(clip, folder, frames=6, accelerator="cpu", batch_size=2)
    assert alone.score == pytest.approx(together.frames[2].score, abs=1e-6)


def test_a_loaded_detector_scores_as_its_folder_does(clip, trained):
    folder = trained(COMPACT)
    assert predict(clip, load_trained(folder)).to_dict() == predict(clip, folder, accelerator="cpu").to_dict()


def test_a_detector_of_clips_scores_clips(clip, trained):
    found = predict(clip, trained({"name": "tsn", "frame": COMPACT, "segments": 3}), frames=6, accelerator="cpu")
    assert len(found.frames) == 5
    assert len({one.score for one in found.frames}) == 2


def test_no_face_and_no_file_are_said(clip, trained, tmp_path):
    folder = trained(COMPACT)
    with pytest.raises(ValueError, match=r"must show a face; dlib found none in .*\(frames searched: 1\)"):
        predict(clip / "0001.png", folder, accelerator="cpu")
    with pytest.raises(FileNotFoundError, match="must be an image or video"):
        predict(tmp_path / "nothing.mp4", folder)


def test_weights_that_give_no_number_give_no_score(clip, trained):
    folder = trained(COMPACT)
    detector = load_trained(folder).detector
    for parameter in detector.parameters():
        parameter.data.fill_(float("nan"))
    save_weights(folder / "detector.safetensors", detector)
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", record | {"files": {WEIGHTS: sha256(folder / WEIGHTS)}})
    with pytest.raises(ValueError, match=r"scores must be finite; got others from the weights in .*seed0\. Train"):
        predict(clip, folder, frames=6, accelerator="cpu")
