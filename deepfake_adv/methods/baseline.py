"""The detector on its own images."""

import torch

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.methods.base import Method, StepLoss
from deepfake_adv.methods.registry import register_method
from deepfake_adv.params.base import Section


@register_method("baseline")
class Baseline(Method):
    """Training on unaltered images, the first row of every table.

    The release also augments the images of its baseline (JPEG, noise, colour, geometry). Ours does not; otherwise the
    augmentation rows of Tables IV and V would have nothing to compare with.
    """

    class Params(Section):  # no altered images, so no weight
        """No arguments."""

    def alter(self, model: torch.nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """The frames as they are."""
        return frames

    def detector_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> StepLoss:
        """The detector's loss on the clean batch."""
        loss = detector.training_loss(batch.images, batch.labels, batch.masks)
        return StepLoss(loss.total, loss.classification.mean().detach(), None, loss.parts)
