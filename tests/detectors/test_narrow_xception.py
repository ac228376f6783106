import pytest
import timm
import torch

from deepfake_adv.detectors.narrow_xception import LEFT_OUT
from deepfake_adv.detectors.registry import build_detector


def test_it_has_the_parts_of_the_published_one_by_their_names_and_little_of_its_weight():
    narrow = timm.create_model("legacy_xception_narrow", num_classes=2)
    with torch.device("meta"):
        whole = timm.create_model("legacy_xception", num_classes=2)
    expected = {name for name in whole.state_dict() if not name.startswith(tuple(f"block{n}." for n in LEFT_OUT))}
    assert set(narrow.state_dict()) == expected
    assert 100_000 < sum(each.numel() for each in narrow.parameters()) < 300_000
    assert all(not value.is_meta and value.isfinite().all() for value in narrow.state_dict().values())


def test_the_map_of_ffd_has_its_place_in_it():
    detector = build_detector("ffd", model="legacy_xception_narrow")
    assert detector.feature_channels == 256
    loss = detector.training_loss(torch.rand(2, 3, 64, 64), torch.tensor([0, 1]), torch.rand(2, 1, 64, 64))
    assert set(loss.parts) == {"classification", "map"}
    loss.total.backward()
    assert all(each.grad is not None for each in detector.parameters())


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("xception", "legacy_xception_narrow"),
        ("ffd", "legacy_xception_narrow"),
        ("multi_attention", "test_efficientnet"),
        ("timm:test_vit", None),
    ],
)
def test_a_detector_of_timm_may_see_the_residual_besides_the_image(name, model):
    """A change of the finest detail moves its channels by the gain, and without the option by itself."""
    entry = {"image_size": 64, **({"model": model} if model else {})}
    sees = build_detector(name, **entry, residual=True).eval()
    images = torch.rand(2, 3, 64, 64)
    assert sees.normalise(images).shape == (2, 6, 64, 64)
    assert torch.equal(sees.normalise(images)[:, :3], build_detector(name, **entry).normalise(images))
    assert sees(images).shape == (2, 2)
    assert not any("beside" in key for key in sees.state_dict())
