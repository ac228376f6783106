import numpy as np
import pytest
import torch
from torch.nn import functional

from deepfake_adv.detectors.ffd import Ffd, TemplateMap


@pytest.fixture(scope="module")
def published():
    """At the published size, without a weight."""
    with torch.device("meta"):
        return Ffd(image_size=299).eval(), torch.rand(1, 3, 299, 299)


@pytest.fixture
def templates(tmp_path):
    path = tmp_path / "templates.npz"
    np.savez(path, templates=np.linspace(0, 1, 10 * 19 * 19, dtype=np.float32).reshape(10, 19, 19))
    return path


def test_it_is_xception_and_one_separable_convolution(published):
    detector, images = published
    xception = 22_855_952 - 998 * 2049  # Chollet 2017, Table 3, with 2 logits
    assert sum(p.numel() for p in detector.parameters()) == xception + 728 * 9 + 728
    assert detector.attention(images).shape == (1, 1, 19, 19)
    assert detector.features(images).shape == (1, 2048, 10, 10)


def test_the_template_map_has_the_published_size(templates):
    with torch.device("meta"):
        module = TemplateMap(torch.rand(10, 19, 19))
        # two separable convolutions 728 -> 728 -> 364, the shortcut, their norms, and 364 -> 10
        block = (728 * 9 + 728**2) + (728 * 9 + 728 * 364) + 2 * (728 + 364) + (728 * 364 + 2 * 364)
        assert sum(p.numel() for p in module.parameters()) == block + 364 * 10 + 10
        assert module(torch.rand(2, 728, 16, 16)).shape == (2, 1, 16, 16)


def test_templates_are_combined_by_their_coefficients(templates):
    torch.manual_seed(0)
    module = TemplateMap(torch.eye(4).reshape(4, 2, 2)).eval()
    features = torch.rand(1, 728, 2, 2)
    coefficients = module.linear(module.block(features).relu().mean((2, 3)))
    torch.testing.assert_close(module(features), coefficients.reshape(1, 1, 2, 2))


@pytest.mark.parametrize("name", ["regression", "template"])
def test_masks_teach_the_map(name, templates):
    torch.manual_seed(0)
    detector = Ffd(map=name, templates=templates if name == "template" else None).train()
    detector.backbone.requires_grad_(False)
    images, labels, masks = torch.rand(2, 3, 48, 48), torch.tensor([0, 1]), torch.zeros(2, 1, 48, 48)
    masks[1] = 1
    losses = []
    for _ in range(4):
        loss = detector.training_loss(images, labels, masks)
        losses.append(loss.parts["map"].item())
        parameters = list(detector.attention_map.parameters())
        gradients = torch.autograd.grad(loss.total - loss.classification.mean(), parameters)
        length = torch.stack([gradient.norm() for gradient in gradients]).norm()
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= 0.003 * gradient / length
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_the_map_loss_is_the_mean_difference_to_the_averaged_mask():
    torch.manual_seed(0)
    detector = Ffd(mask_weight=2.0).eval()
    images, masks = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    masks[:, :, :8] = 1  # half of the first of four rows
    with torch.no_grad():
        attention = detector.attention(images)
        loss = detector.training_loss(images, torch.tensor([1]), masks)
    target = torch.zeros(1, 1, 4, 4)
    target[:, :, 0] = 0.5
    torch.testing.assert_close(loss.parts["map"], 2 * functional.l1_loss(attention, target))


def test_the_map_gates_what_follows():
    torch.manual_seed(0)
    detector = Ffd().train()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        detector.attention_map.conv.pointwise.weight.mul_(100)
        gated = detector(images)
        detector.attention_map.conv.pointwise.weight.zero_()  # one half everywhere
        assert (gated - detector(images)).abs().max() > 0.01


def test_without_weight_no_masks_are_needed():
    detector = Ffd(mask_weight=0.0).eval()
    assert not detector.needs_masks
    loss = detector.training_loss(torch.rand(1, 3, 48, 48), torch.tensor([0]))
    assert set(loss.parts) == {"classification"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "resnet18"}, "model must be one of timm's legacy_xception; got 'resnet18'"),
        ({"map": "pca"}, "map: input should be 'regression' or 'template'; got 'pca'"),
        ({"map": "template"}, "templates must be given for map: template"),
        ({"templates": "here"}, "templates must be given for map: template"),
        ({"mask_weight": -1}, "mask_weight: input should be greater than or equal to 0; got -1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Ffd(**arguments)
