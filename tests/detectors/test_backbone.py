"""Published architectures are checked on torch's meta device: shapes and counts without a weight."""

import pytest
import torch
from timm.models import get_pretrained_cfg
from torch import nn

from deepfake_adv.detectors.backbone import TimmDetector
from deepfake_adv.detectors.registry import build_detector

# Chollet 2017, Table 3, counts 22,855,952; Tan and Le 2019, Table 2, give 19 M and 66 M, which the original
# weights make 19,341,616 and 66,347,960. All with 1000 classes.
PUBLISHED = {
    "legacy_xception.tf_in1k": (22_855_952, 2048, 299, 10),
    "tf_efficientnet_b4.ap_in1k": (19_341_616, 1792, 380, 12),
    "tf_efficientnet_b7.ap_in1k": (66_347_960, 2560, 256, 8),
}


def _count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.slow  # large models, though without weights
@pytest.mark.parametrize("model", PUBLISHED)
def test_the_papers_backbones_are_the_published_ones(model):
    published, channels, side, cells = PUBLISHED[model]
    with torch.device("meta"):
        detector = TimmDetector(model=model, image_size=side).eval()
        images = torch.rand(1, 3, side, side)
    assert _count(detector) == published - 998 * (channels + 1)  # 2 logits instead of 1000
    assert detector.features(images).shape == (1, channels, cells, cells)
    assert detector(images).shape == (1, 2)


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_papers_backbones_want_inputs_in_minus_one_and_one(model):
    config = get_pretrained_cfg(model)
    assert tuple(config.mean) == tuple(config.std) == (0.5, 0.5, 0.5)


def test_another_model_keeps_the_statistics_of_its_weights():
    detector = TimmDetector(model="test_resnet")
    assert detector.mean.flatten().tolist() == pytest.approx(get_pretrained_cfg("test_resnet").mean)


@pytest.mark.parametrize(
    ("model", "patch"),
    [
        ("vit_small_patch14_dinov2.lvd142m", 14),
        pytest.param("vit_small_patch16_dinov3.lvd1689m", 16, marks=pytest.mark.slow),
    ],
)
def test_dino_takes_any_size_and_lays_its_patches_out_as_a_map(model, patch):
    with torch.device("meta"):
        detector = build_detector(f"timm:{model}", image_size=64).eval()
        features = detector.features(torch.rand(1, 3, 70, 100))
    assert features.shape == (1, 384, -(-70 // patch), -(-100 // patch))


def test_a_patch_changes_its_own_place_of_the_map_most():
    torch.manual_seed(0)
    detector = TimmDetector(model="test_vit", image_size=64).eval()
    images = torch.rand(1, 3, 64, 96)
    changed = images.clone()
    changed[:, :, 16:32, 64:80] = 0
    with torch.no_grad():
        difference = (detector.features(images) - detector.features(changed)).abs().sum(1)[0]
    assert difference.shape == (4, 6)
    assert difference.argmax() == 1 * 6 + 4


def test_a_model_of_one_size_says_so():
    with torch.device("meta"):
        detector = TimmDetector(model="mixer_s32_224", image_size=96)
        assert detector.features(torch.rand(1, 3, 96, 96)).shape == (1, 512, 3, 3)
    with pytest.raises(ValueError, match="must be 96 px for mixer_s32_224 as built; got 64 x 64"):
        detector.check_size(64, 64)


def test_a_size_that_the_model_cannot_take_is_refused_when_building():
    with pytest.raises(ValueError, match="ones that inception_v3 takes; got 64 px"):
        TimmDetector(model="inception_v3", image_size=64)


def test_an_option_that_the_model_does_not_know_is_refused():
    with pytest.raises(ValueError, match="drop_path_rate"):
        TimmDetector(model="legacy_xception", drop_path=0.1)


def test_dropout_and_stochastic_depth_reach_the_model():
    detector = TimmDetector(model="test_efficientnet", dropout=0.5, drop_path=0.5).train()
    images = torch.rand(2, 3, 32, 32)
    assert not torch.equal(detector(images), detector(images))


def test_batchnorm_momentum_reaches_every_layer_and_its_statistics():
    torch.manual_seed(0)
    slow, own = (TimmDetector(model="test_efficientnet", batchnorm_momentum=value).train() for value in (0.01, None))
    layers = [layer for layer in slow.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(layers) > 5
    assert {layer.momentum for layer in layers} == {0.01}
    images = torch.rand(4, 3, 32, 32)
    first = []
    for detector in (slow, own):
        detector(images)
        first.append(next(layer for layer in detector.modules() if isinstance(layer, nn.BatchNorm2d)))
    assert first[1].momentum == 0.1
    assert 0.05 < first[0].running_mean.norm() / first[1].running_mean.norm() < 0.2


@pytest.mark.parametrize(("model", "momentum"), [("test_vit", 0.01), ("test_efficientnet", 0.0)])
def test_a_momentum_that_changes_nothing_or_too_much_is_refused(model, momentum):
    with pytest.raises(ValueError, match=r"batchnorm_momentum(: input should be .* than 0; got 0| must be above 0)"):
        TimmDetector(model=model, batchnorm_momentum=momentum, image_size=64)


@pytest.mark.parametrize("model", ["efficientnet_lite0", "resnet18"])
def test_a_new_head_starts_near_zero_logits(model):
    torch.manual_seed(0)
    head = TimmDetector(model=model, image_size=64).backbone.get_classifier()
    assert head.weight.abs().max() <= head.in_features**-0.5
    assert head.weight.std() > 0.5 * head.in_features**-0.5
