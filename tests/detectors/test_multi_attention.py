import pytest
import torch

from deepfake_adv.detectors.multi_attention import CENTRE_DECAY, CENTRE_RATE, MultiAttention

B4_FEATURES = 19_341_616 - 1000 * 1793  # EfficientNet-B4's published weights without its classifier


@pytest.fixture(params=["paper", "release"])
def detector(request):
    torch.manual_seed(0)
    return MultiAttention(model="test_efficientnet", attention_stage=4, variant=request.param)


@pytest.mark.parametrize(("variant", "texture"), [("paper", 4 * 32), ("release", 32)])
def test_at_the_authors_size_it_has_the_published_shapes(variant, texture):
    with torch.device("meta"):
        detector = MultiAttention(variant=variant, image_size=380).eval()
        images = torch.rand(1, 3, 380, 380)
        assert sum(p.numel() for p in detector.backbone.parameters()) == B4_FEATURES
        assert detector.attention(images).shape == (1, 4, 24, 24)
        assert detector.features(images).shape == (1, 1792 + 4 + 4 * texture, 12, 12)
        maps, pooled = detector.texture(torch.rand(1, 32, 95, 95), torch.rand(1, 4, 24, 24))
    assert maps.shape == ((1, 4, 32, 95, 95) if variant == "release" else (1, 128, 95, 95))
    assert pooled.shape == (1, 32, 24, 24)
    assert detector.centres.shape == (4, 32)


def test_training_moves_the_centres_and_scoring_does_not(detector):
    images, labels = torch.rand(4, 3, 48, 48), torch.tensor([0, 1, 0, 1])
    detector.eval().training_loss(images, labels)
    detector(images)
    assert not detector.centres.any()
    detector.train().training_loss(images, labels)
    assert detector.centres.any()


def test_only_reals_move_the_authors_centres(detector):
    detector.train().training_loss(torch.rand(4, 3, 48, 48), torch.ones(4, dtype=torch.int64))
    assert bool(detector.centres.any()) == (not detector.values.centres_from_reals)


def test_the_centres_slow_down_with_the_epochs(detector):
    for _ in range(3):
        detector.end_epoch()
    assert detector.centre_rate.item() == pytest.approx(CENTRE_RATE * CENTRE_DECAY**3)
    assert "centre_rate" in detector.state_dict()


def test_the_terms_are_those_of_the_form(detector):
    parts = detector.train().training_loss(torch.rand(4, 3, 48, 48), torch.tensor([0, 1, 0, 1])).parts
    expected = {"classification", "independence", "degraded"}
    assert set(parts) == (expected | {"match"} if detector.values.match_weight else expected)


def test_training_repeats_from_the_same_seed(detector):
    images, labels = torch.rand(4, 3, 48, 48), torch.tensor([0, 1, 0, 1])
    state = {key: value.clone() for key, value in detector.state_dict().items()}
    totals = []
    for _ in range(2):
        detector.load_state_dict(state)
        torch.manual_seed(5)
        totals.append(detector.train().training_loss(images, labels).total)
    assert torch.equal(*totals)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "resnet18"}, "model must be one of timm's efficientnet models"),
        ({"variant": "v1"}, "variant: input should be 'paper' or 'release'; got 'v1'"),
        ({"attentions": 0}, "attentions: input should be greater than or equal to 1; got 0"),
        ({"attention_stage": 6}, "attention_stage must be from 1 to 5 for test_efficientnet; got 6"),
        ({"attention_stage": 4, "texture_stage": 0}, "texture_stage: input should be .* or equal to 1; got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiAttention(**{"model": "test_efficientnet", **arguments})
