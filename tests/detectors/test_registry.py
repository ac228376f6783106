"""What holds for every detector of the registry."""

import pytest
import torch
from torch.nn import functional

from deepfake_adv.detectors.registry import DETECTORS, build_detector

NAMES = [arguments.get("name", name) for name in DETECTORS.names() for arguments in DETECTORS[name].tiny]
HEAVY = {"xception", "ffd"}  # of one size; they pass the two main tests by default and all of them on request
EACH = [pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in NAMES]


def test_every_detector_is_under_contract(small):
    of_many = {"timm:test_vit", "timm:test_convnext", "py:deepfake_adv.detectors.compact:Compact"}
    assert set(NAMES) >= {*DETECTORS} | of_many
    assert set(small) == set(NAMES)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_every_argument_is_explained(name):
    fields = DETECTORS[name].Params.model_fields
    assert [key for key, field in fields.items() if not field.description] == []


@pytest.mark.parametrize("name", NAMES)
def test_images_of_any_size_become_two_logits(name, make, sample):
    detector = make(name).eval()
    for height, width in ((48, 48), (50, 67)):
        images, *_ = sample(detector, batch=2, height=height, width=width)
        with torch.no_grad():
            features = detector.features(images)
            logits = detector(images)
            assert torch.equal(logits, detector(images))
        assert logits.shape == (2, 2)
        assert torch.isfinite(logits).all()
        assert features.ndim == 4
        assert features.shape[:2] == (2 * detector.clip_length, detector.feature_channels)
        torch.testing.assert_close(detector.classify(features), logits)


@pytest.mark.parametrize("name", EACH)
def test_an_image_is_scored_alone_as_in_a_batch(name, make, sample):
    detector = make(name).eval()
    images, *_ = sample(detector, batch=3)
    with torch.no_grad():
        together = detector(images)
        alone = torch.cat([detector(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", EACH)
def test_normalisation_is_inside(name, make, sample):
    detector = make(name).eval()
    images, *_ = sample(detector, batch=2)
    frames = images.flatten(0, 1) if detector.clip_length > 1 else images
    single = detector.frame if detector.clip_length > 1 else detector
    normalised = (frames - single.mean.view(1, 3, 1, 1)) / single.std.view(1, 3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(single.features(frames), single.extract(normalised))
    assert {"mean", "std"} <= dict(single.named_buffers(recurse=False)).keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_training_loss_reaches_every_parameter(name, make, sample):
    detector = make(name).train()
    images, labels, masks = sample(detector)
    loss = detector.training_loss(images, labels, masks)
    loss.total.backward()
    assert loss.classification.shape == (4,)
    torch.testing.assert_close(loss.classification.mean(), loss.parts["classification"])
    torch.testing.assert_close(sum(loss.parts.values()), loss.total.detach())
    assert not any(part.requires_grad for part in loss.parts.values())
    without = [key for key, value in detector.named_parameters() if value.grad is None]
    assert without == []
    assert all(torch.isfinite(value.grad).all() for value in detector.parameters())


@pytest.mark.parametrize("name", EACH)
def test_classification_is_the_cross_entropy_of_the_logits(name, make, sample):
    detector = make(name).eval()
    images, labels, masks = sample(detector)
    with torch.no_grad():
        loss = detector.training_loss(images, labels, masks)
        expected = functional.cross_entropy(detector(images), labels, reduction="none")
    torch.testing.assert_close(loss.classification, expected)


@pytest.mark.parametrize("name", EACH)
def test_the_input_gradient_is_finite_where_weights_are_frozen(name, make, sample):
    detector = make(name).eval().requires_grad_(False)
    images, labels, _ = sample(detector, batch=2)
    images.requires_grad_(True)
    functional.cross_entropy(detector(images), labels, reduction="sum").backward()
    assert torch.isfinite(images.grad).all()
    assert (images.grad.flatten(1).abs().amax(1) > 0).all()


@pytest.mark.parametrize("name", EACH)
def test_other_precisions_agree(name, make, sample):
    detector = make(name).eval()
    images, labels, masks = sample(detector, batch=2)
    with torch.no_grad():
        expected = detector(images)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = detector.training_loss(images, labels, masks)
            half = detector(images)
        exact = detector.double()(images.double())
    assert loss.classification.dtype == torch.float32
    assert exact.dtype == torch.float64
    torch.testing.assert_close(exact.float(), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(half.float(), expected, rtol=0.2, atol=0.1)


@pytest.mark.parametrize("name", EACH)
def test_a_state_dict_restores_the_detector(name, make, sample, small):
    detector = make(name).train()
    images, labels, masks = sample(detector)
    with torch.no_grad():
        detector.training_loss(images, labels, masks)  # moves batch statistics and centres
    other = build_detector(name, **small[name])
    other.load_state_dict(detector.state_dict())
    with torch.no_grad():
        assert torch.equal(other.eval()(images), detector.eval()(images))


@pytest.mark.parametrize("name", EACH)
def test_too_small_an_image_is_refused(name, make):
    detector = make(name)
    with pytest.raises(ValueError, match=r"image size must be .* got 8 x 48\. "):
        detector.check_size(8, 48)


@pytest.mark.parametrize("name", DETECTORS)
def test_an_image_size_is_checked_when_building(name, small):
    with pytest.raises(ValueError, match=r"image_size: input should be greater than or equal to 16; got 1"):
        build_detector(name, **{**small[name], "image_size": 1})


def test_a_mistyped_name_says_what_was_meant():
    with pytest.raises(ValueError, match=r"got 'xcption'\. Did you mean 'xception'"):
        build_detector("xcption")
    with pytest.raises(ValueError, match=r"timm:<model>.*py:<module>:<factory>"):
        build_detector("zzzzzz")


@pytest.mark.parametrize("name", ["efficientnet", "xception"])
def test_another_model_under_a_papers_name_is_refused(name):
    with pytest.raises(ValueError, match=f"model must be one of timm's {name} models; got 'resnet18'"):
        build_detector(name, model="resnet18")
