import json

import numpy as np
import pytest
import torch

from deepfake_adv.exporting import to_onnx
from deepfake_adv.exporting.to_onnx import export_onnx
from deepfake_adv.training.trained import load_trained

pytestmark = pytest.mark.slow  # a trace takes seconds
pytest.importorskip("onnxscript", reason="ONNX is not installed: make setup")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX is not installed: make setup")

FAMILIES = [
    {"name": "compact", "width": 4},
    {"name": "tsn", "segments": 3, "frame": {"name": "compact", "width": 4}},
    {"name": "efficientnet", "model": "test_efficientnet"},
    {"name": "timm:test_vit"},
    {"name": "timm:test_convnext"},
    {"name": "xception"},
    {"name": "ffd"},
    {"name": "multi_attention", "model": "test_efficientnet"},
    {"name": "py:deepfake_adv.detectors.compact:Compact", "arguments": {"width": 4}},
]


@pytest.mark.parametrize("entry", FAMILIES)
def test_a_file_scores_as_torch_does_at_batch_sizes_it_was_not_traced_with(trained, tmp_path, entry):
    run = load_trained(trained(entry, size=64))
    found = export_onnx(run, tmp_path / "detector.onnx")
    assert found["batches"] == [1, 2, 5]
    assert found["score"] <= 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "detector.onnx", providers=["CPUExecutionProvider"])
    clip = [run.detector.clip_length] if run.detector.clip_length > 1 else []
    images = torch.rand(7, *clip, 3, 64, 64, generator=torch.Generator().manual_seed(9))
    score, logits = session.run(["score", "logits"], {"images": images.numpy()})
    with torch.no_grad():
        expected = run.detector(images)
    np.testing.assert_allclose(score, expected.softmax(1)[:, 1], atol=1e-5)
    assert logits.shape == (7, 2)
    (given,) = session.get_inputs()
    assert given.shape[1:] == [*clip, 3, 64, 64]
    assert isinstance(given.shape[0], str)  # free
    told = json.loads(session.get_modelmeta().custom_metadata_map["deepfake_adv"])
    assert told["weights_sha256"] == run.record["files"]["detector.safetensors"]
    assert told["input"]["faces"]["crop"]["margin"] == 1.4


def test_a_file_that_scores_otherwise_is_not_kept(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(to_onnx, "_difference", lambda *arrays: 0.01)
    with pytest.raises(ValueError, match=r"as torch does, within 0\.0001; got a difference of 0\.01 for Compact"):
        export_onnx(load_trained(trained()), tmp_path / "detector.onnx")
    assert list(tmp_path.glob("*onnx*")) == []


class _Branching(torch.nn.Module):
    clip_length = 1

    def forward(self, images):
        return images.mean((2, 3))[:, :2] * (1 if float(images.sum()) > 3 else 2)


def test_a_detector_that_onnx_cannot_state_is_one_sentence(trained, tmp_path):
    run = load_trained(trained())
    object.__setattr__(run, "detector", _Branching())
    with pytest.raises(ValueError, match=r"_Branching must be made of operations that ONNX has; .*--format hub"):
        export_onnx(run, tmp_path / "detector.onnx")


def test_a_missing_package_is_named_with_the_way_to_it(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(RuntimeError, match=r"onnxscript must be installed .*make setup"):
        export_onnx(load_trained(trained()), tmp_path / "detector.onnx")
