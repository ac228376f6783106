"""Folders of untrained detectors in a project, with what the pipeline leaves of them."""

import pytest
import torch

from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import sha256, write_json
from deepfake_adv.training.checkpoint import save_weights

COMPACT = {"name": "compact", "width": 4}
FACES = {
    "frames": {"corpus": {"train": 4, "val": 4, "test": 12, "sampling": "even"}},
    "locate": {
        "backend": {"name": "dlib"}, "policy": "shared", "every": 4, "smooth": 3, "landmarks": {"name": "dlib"},
        "on_miss": "interpolate", "max_gap": 8, "max_pixels": 4_000_000,
    },
    "crop": {"margin": 1.4, "encoding": "webp", "masks": True},
}  # fmt: skip


@pytest.fixture
def trained(tmp_path):
    """Folder of a detector with a run.json; `extra` goes into that."""

    def make(entry=COMPACT, size=32, **extra):
        torch.manual_seed(0)
        folder = tmp_path / "data/runs/mine/NT_c23/seed0"
        detector = build_detector(**{**entry, "image_size": size})
        for value in (*detector.parameters(), *detector.buffers()):  # running statistics too: none is at its start
            if value.is_floating_point() and value.ndim == 1:
                value.data.add_(0.1 * torch.rand_like(value))
        save_weights(folder / "detector.safetensors", detector)
        files = {"detector.safetensors": sha256(folder / "detector.safetensors"), **extra.pop("files", {})}
        record = {"run": "mine", "condition": "NT_c23", "seed": 0, "image_size": size, "faces": FACES, "inputs": {}}
        record |= {"params": {"detector": entry, "method": {"name": "baseline"}}, "files": files, **extra}
        write_json(folder / "run.json", {**record, "versions": {"deepfake-adv": "0.1.0"}})
        return folder

    return make


def _level(**changed):
    metric = {"value": 0.875, "low": 0.75, "high": 1.0}
    return {name: dict(metric) for name in ("auc", "acc", "ap", "eer", "tpr", "fpr", "ece")} | changed


@pytest.fixture
def evaluation(tmp_path):
    """Write reports/evaluation/mine.json of a detector."""

    def make(folder, digest=None, name="mine"):
        undefined = {"value": None, "low": None, "high": None}
        digest = digest or sha256(folder / "detector.safetensors")
        common = {"train": "NT_c23", "dataset": "corpus", "seeds": [0], "videos": {"real": 6, "fake": 6}}
        results = [
            {**common, "test": "DF_c23", "frame": _level(), "video": _level(auc=undefined)},
            {**common, "test": "NT_c23", "frame": _level(), "video": _level()},
            {**common, "test": "FS_c23", "frame": _level(), "video": _level()},
            {**common, "train": "NT_raw", "test": "NT_c23", "frame": _level(), "video": _level()},
        ]
        training = {"NT_c23/seed0": {"files": {"detector.safetensors": digest}}}
        origin = {"training": training, "settings": {"resamples": 1000, "confidence": 0.95, "seed": 0}}
        path = tmp_path / f"reports/evaluation/{name}.json"
        write_json(path, {"format": 1, "run": "mine", "results": results, "provenance": origin})
        return path

    return make
