import pytest
import torch
from torch.nn import functional

from deepfake_adv.detectors.compact import Compact
from deepfake_adv.detectors.tsn import Tsn


class Counting(Compact):
    """Its auxiliary term is the number of frames that it was given."""

    needs_masks = True

    def training_terms(self, images, labels, masks):
        assert images.shape[0] == labels.shape[0] == masks.shape[0]
        counted = images.new_tensor(float(len(images)))
        return super().training_terms(images, labels, masks)._replace(auxiliary={"frames": counted})


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return Tsn(frame=Compact(width=4), segments=3).eval()


def test_the_consensus_is_the_mean_of_the_frames_logits(detector):
    clips = torch.rand(2, 3, 3, 32, 32)
    with torch.no_grad():
        frames = torch.stack([detector.frame(clip) for clip in clips])
        torch.testing.assert_close(detector(clips), frames.mean(1))


def test_the_loss_is_taken_on_the_consensus_not_on_the_frames(detector):
    clips, labels = torch.rand(2, 3, 3, 32, 32), torch.tensor([0, 1])
    with torch.no_grad():
        loss = detector.training_loss(clips, labels)
        frames = detector.frame(clips.flatten(0, 1)).unflatten(0, (2, 3))
    torch.testing.assert_close(loss.total, functional.cross_entropy(frames.mean(1), labels))


def test_auxiliary_terms_and_masks_go_frame_by_frame():
    detector = Tsn(frame=Counting(width=4), segments=3)
    assert detector.needs_masks
    loss = detector.training_loss(torch.rand(2, 3, 3, 32, 32), torch.tensor([0, 1]), torch.zeros(2, 3, 1, 32, 32))
    assert loss.parts["frames"] == 6


@pytest.mark.parametrize("shape", [(6, 3, 32, 32), (2, 4, 3, 32, 32)])
def test_other_than_clips_of_k_frames_are_refused(detector, shape):
    with pytest.raises(ValueError, match=r"images must be clips \(B, 3, 3, H, W\)"):
        detector(torch.rand(shape))


def test_a_frame_detector_of_clips_or_no_segment_is_refused(detector):
    with pytest.raises(ValueError, match="frame must be a detector of single frames; got Tsn"):
        Tsn(frame=detector, segments=2)
    with pytest.raises(ValueError, match="segments: input should be greater than or equal to 2; got 1"):
        Tsn(frame=Compact(width=4), segments=1)
