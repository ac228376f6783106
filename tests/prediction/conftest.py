"""Files in which faces are bright squares, so that where they are is known exactly, and a detector."""

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.files import sha256, write_json
from deepfake_adv.training.checkpoint import save_weights
from deepfake_adv.video.encode import write_h264

COMPACT = {"name": "compact", "width": 4}
WIDTH, HEIGHT = 192, 128


def find_squares(rgb):
    """A locator that finds every bright square, the largest first."""
    bright = (rgb[:, :, 1] > 150).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
    boxes = [FaceBox(float(x), float(y), float(x + w), float(y + h), 1.0) for x, y, w, h, n in stats[1:] if n > 60]
    return sorted(boxes, key=lambda box: -box.side)


@pytest.fixture(autouse=True)
def locator(monkeypatch, request):
    """`find_squares` in the place of every locator but where a test asks for the real ones."""
    if "real_locators" not in request.fixturenames:
        monkeypatch.setattr("deepfake_adv.extraction.tracking._locator", lambda *options: find_squares)


@pytest.fixture
def real_locators():
    """Locators as they are."""


def draw(faces, seed=0, dark=60):
    """I420 planes with a bright square at each (x, y, side)."""
    rng = np.random.default_rng(seed)
    planes = rng.integers(dark, dark + 20, (HEIGHT * 3 // 2, WIDTH), dtype=np.uint8)
    planes[HEIGHT:] = 128
    for x, y, side in faces:
        planes[y : y + side, x : x + side] = rng.integers(200, 230, (side, side))
    return planes


@pytest.fixture
def film(tmp_path):
    """Write a video; `frames` gives the faces of each."""

    def film(frames, name="clip.mp4", dark=None, **options):
        shades = dark or [60] * len(frames)
        write_h264(
            tmp_path / name,
            (draw(faces, k, shade) for k, (faces, shade) in enumerate(zip(frames, shades, strict=True))),
            **{"crf": 10, **options},
        )
        return tmp_path / name

    return film


@pytest.fixture
def trained(tmp_path):
    """Folder of an untrained detector of 16 pixels with a run.json.

    With `videos`, lines of reference.json, and `features`, it has the record of a validation set; `data` says what it
    was trained on.
    """

    def make(entry=COMPACT, faces=None, name="run", videos=None, features=None, data=None):
        torch.manual_seed(0)
        folder = tmp_path / name / "NT_c23/seed0"
        save_weights(folder / "detector.safetensors", build_detector(**entry))
        record = {"run": name, "condition": "NT_c23", "seed": 0, "image_size": 16, "params": {"detector": entry}}
        record["files"] = {"detector.safetensors": sha256(folder / "detector.safetensors")}
        record["faces"] = FACES if faces is None else faces
        record["training_data"] = data or {}
        if videos is not None:
            write_json(folder / "reference.json", {"format": 1, "videos": videos})
            known = np.asarray(features if features is not None else np.eye(len(videos), 16), np.float16)
            save_file({"features": known, "video": np.arange(len(known), dtype=np.int32)},
                      folder / "reference.safetensors")  # fmt: skip
        write_json(folder / "run.json", record)
        return folder

    return make


def validation_videos(count=20, frames=4):
    """Lines of reference.json: half real with low scores, half fake with high ones, each pair of one target."""
    places = [(number, label) for number in range(count // 2) for label in (0, 1)]
    return [
        {"dataset": "toy", "quality": "c23", "video": f"{label}/{number}", "target": f"{number:03}", "label": label,
         "frames": frames, "score": (0.1 + 0.8 * label) + 0.004 * number}
        for number, label in places
    ]  # fmt: skip


@pytest.fixture(name="validation_videos")
def _validation_videos():
    return validation_videos


FACES = {
    "frames": {"toy": {"train": 4, "val": 4, "test": 12, "sampling": "even"}},
    "locate": {
        "backend": {"name": "dlib"}, "policy": "shared", "every": 4, "smooth": 3, "landmarks": {"name": "dlib"},
        "on_miss": "interpolate", "max_gap": 8, "max_pixels": 4_000_000,
    },
    "crop": {"margin": 1.4, "encoding": "webp", "masks": True},
}  # fmt: skip
