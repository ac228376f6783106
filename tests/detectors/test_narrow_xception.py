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
