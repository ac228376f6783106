"""The public API: every name is there, cheap until it is used, and does what its docstring states."""

import ast
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import deepfake_adv
from deepfake_adv import (
    Attacker,
    AttackResult,
    Batch,
    Detector,
    Method,
    PixelwiseBlur,
    Trained,
    attack,
    blur_pixelwise,
    build_detector,
    build_method,
    load,
    score_images,
)
from deepfake_adv.attacks.registry import ATTACKS
from deepfake_adv.files import sha256, write_json
from deepfake_adv.training.checkpoint import save_weights

LABELS = torch.tensor([0, 1, 2, 0])


@pytest.fixture
def classifier():
    """Any classifier: three classes, not one of ours."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 3))


@pytest.fixture
def images():
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def trained():
    torch.manual_seed(0)
    return Trained(build_detector("compact", width=4).eval(), "NT_c23", 0, 16, Path("run"))


def stub():
    text = Path(deepfake_adv.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]


def test_every_name_of_the_stub_is_exported_from_where_it_says():
    named = {alias.name: f"deepfake_adv.{node.module}" for node in stub() for alias in node.names}
    assert sorted(named) == sorted(deepfake_adv.__all__)
    for name, module in named.items():
        assert getattr(deepfake_adv, name).__module__ == module
        assert getattr(deepfake_adv, name).__doc__
    assert not set(named) & {path.stem for path in Path(deepfake_adv.__file__).parent.iterdir()}


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="ascend"):
        deepfake_adv.ascend  # noqa: B018


@pytest.mark.parametrize("used", ["__version__", "evaluate_scores"])
def test_what_needs_no_torch_does_not_import_it(used):
    code = f"import sys, deepfake_adv; deepfake_adv.{used}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "deepfake_adv" in loaded
    assert not loaded & {"torch", "timm", "lightning_fabric", "pandas"}


def test_the_blur_as_a_module_is_the_function(images):
    sharpness = 0.5 + torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    blur = PixelwiseBlur(kernel_size=5)
    torch.testing.assert_close(blur(images, sharpness), blur_pixelwise(images, sharpness, kernel_size=5))
    assert str(blur) == "PixelwiseBlur(kernel_size=5)"


@pytest.mark.parametrize("kernel_size", [4, 0, -3])
def test_a_window_without_a_middle_is_refused(kernel_size):
    with pytest.raises(ValueError, match=r"kernel_size must be"):
        PixelwiseBlur(kernel_size)


@pytest.mark.parametrize("name", list(ATTACKS))
def test_every_attack_raises_the_loss_of_any_classifier(classifier, images, name):
    state = {key: value.clone() for key, value in classifier.state_dict().items()}
    found = attack(classifier, images, LABELS, name, rng=torch.Generator().manual_seed(3))
    assert isinstance(found, AttackResult)
    with torch.no_grad():
        classifier.eval()
        clean = nn.functional.cross_entropy(classifier(images), LABELS, reduction="none")
        classifier.train()
    assert found.loss_after.mean() > min(clean.mean(), found.loss_before.mean())
    assert found.images.shape == images.shape
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    assert classifier.training
    assert all(torch.equal(value, state[key]) for key, value in classifier.state_dict().items())


def test_an_attacker_gives_the_functions_images_and_carries_the_classifier(classifier, images):
    attacker = Attacker(classifier, "pgd", epsilon=0.02)
    made = attacker(images, LABELS, rng=torch.Generator().manual_seed(3))
    found = attack(classifier, images, LABELS, "pgd", epsilon=0.02, rng=torch.Generator().manual_seed(3))
    torch.testing.assert_close(made, found.images)
    assert (made - images).abs().max() <= 0.02 + 1e-6
    assert not made.requires_grad
    assert attacker.double().model[0].weight.dtype == torch.float64
    assert "epsilon=0.02" in str(attacker)


def attack_once(*arguments, **params):
    return attack(nn.Identity(), torch.rand(1, 3, 8, 8), LABELS[:1], *arguments, **params)


@pytest.mark.parametrize("build", [partial(Attacker, nn.Identity()), attack_once])
def test_an_unknown_attack_or_parameter_is_refused(build):
    with pytest.raises(ValueError, match=r"attack must be one of .*; got 'blurr'\. Did you mean 'blur'\?"):
        build("blurr")
    with pytest.raises(ValueError, match=r"params of the attack blur must be among .*; got 'eps'"):
        build("blur", eps=0.1)


def test_labels_of_another_length_are_refused(classifier, images):
    with pytest.raises(ValueError, match=r"labels must be integers of the shape"):
        attack(classifier, images, LABELS[:2])
    with pytest.raises(ValueError, match=r"labels must be integers of the shape"):
        Attacker(classifier)(images, LABELS[:2])


def test_a_detector_and_a_method_make_a_training_step(images):
    detector, method = build_detector("compact", width=4), build_method("grad_bat", seed=0)
    assert isinstance(detector, Detector)
    assert isinstance(method, Method)
    loss = method.detector_loss(detector, Batch(images, LABELS % 2), torch.Generator().manual_seed(0))
    loss.total.backward()
    assert all(weight.grad is not None for weight in detector.parameters())
    assert loss.clean is not None
    assert loss.adversarial is not None


def test_crops_in_memory_are_scored_as_training_sees_them(trained):
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 255, (side, side, 3), np.uint8) for side in (16, 16, 40, 9)]
    scores = score_images(trained, crops, batch_size=3)
    assert scores.shape == (4,)
    batch = torch.from_numpy(np.stack(crops[:2])).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        expected = trained.detector(batch).softmax(1)[:, 1]
    np.testing.assert_allclose(scores[:2], expected, rtol=1e-5)
    np.testing.assert_allclose(scores[2:], [score_images(trained, [crop])[0] for crop in crops[2:]], rtol=1e-5)
    assert score_images(trained, []).shape == (0,)


def test_a_detector_is_loaded_from_where_it_was_trained(trained, tmp_path):
    """What `export` wrote is loaded in tests/exporting."""
    save_weights(tmp_path / "detector.safetensors", trained.detector)
    files = {"detector.safetensors": sha256(tmp_path / "detector.safetensors")}
    record = {"params": {"detector": {"name": "compact", "width": 4}}, "files": files}
    write_json(tmp_path / "run.json", {**record, "condition": "NT_c23", "seed": 0, "image_size": 16})
    crops = [np.full((16, 16, 3), value, np.uint8) for value in (40, 90)]
    assert np.array_equal(score_images(load(tmp_path), crops), score_images(trained, crops))
    with pytest.raises(FileNotFoundError, match=r"must have run\.json beside its weights; found none in .*none"):
        load(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"found none in someone/detector\. .* nothing is downloaded: do"):
        load("someone/detector")


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8),
              np.zeros((0, 8, 3), np.uint8)]
)  # fmt: skip
def test_what_is_no_crop_is_refused(trained, image):
    with pytest.raises(ValueError, match=r"images must be \(H, W, 3\) uint8 each; got "):
        score_images(trained, [image])


def test_weights_that_give_no_number_give_no_score(trained):
    for weight in trained.detector.parameters():
        weight.data.fill_(float("nan"))
    with pytest.raises(ValueError, match="scores must be finite"):
        score_images(trained, [np.zeros((16, 16, 3), np.uint8)])
