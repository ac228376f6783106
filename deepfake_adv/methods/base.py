"""The interface of a training method, and the sum of its clean and adversarial losses."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.methods.frames import frame_model
from deepfake_adv.params.base import Section

Clean = Literal["with", "instead"]
Update = Literal["alternating", "reversal"]


class StepLoss(NamedTuple):
    """The loss of a detector step.

    Attributes:
        total: Scalar with gradients.
        clean: Mean cross-entropy of the clean images, detached; None if they are not used.
        adversarial: Mean cross-entropy of the altered images, detached; None if there are none.
        parts: Further scalars for the log, detached.
    """

    total: Tensor
    clean: Tensor | None
    adversarial: Tensor | None
    parts: dict[str, Tensor]


class Method(nn.Module):
    """A training method, one row of a table: how training images are altered.

    A training step minimises `adversary_loss` over ``adversary``, ``adversary_steps`` times, and then `detector_loss`
    over the detector and ``detector_side``, once. If ``joint``, the backward pass of `detector_loss` also computes
    the gradients of ``adversary``, and one optimiser updates both.

    Clips are split into frames, altered and reassembled here, so that a subclass handles single images only.

    Attributes:
        adversary: Module trained against the detector, with its own learning rate; None if the method has none.
        detector_side: Auxiliary heads trained by the detector's optimiser; None if there are none.
        adversary_steps: Steps of the adversary per step of the detector; 0 without an adversary, or if joint.
        adversary_learning_rate: Of the adversary's optimiser; None: train.adversary_learning_rate.
        joint: The adversary is trained by the backward pass of the detector's step.
        in_step: Whether all ranks run the adversary in every step; synchronised batch normalisation requires it.
        wants_masks: Trains on forgery masks if every fake has one.
        needs_landmarks: Leaves faces without landmarks unchanged.
        batches_per_step: Draws of train.batch_size images that are one step's batch.
        attacks: The altered images increase the detector's loss.
        tiny: Arguments of small configurations, for the contract tests of all methods.
        params: Its `Params`, read from the arguments.

    Args:
        given: Fields of `Params`; others have their defaults.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Section):
        """Arguments of every method but the baseline, which alters nothing."""

        lam: float = Field(
            1.0, ge=0, description="Weight of the altered images, lambda of paper Eq. (3); no effect under `instead`."
        )
        clean: Clean = Field(
            "with", description="with: clean and altered images, Eq. (3); instead: altered images alone, Eq. (2)."
        )

    params: Any
    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    attacks: ClassVar[bool] = False
    batches_per_step: ClassVar[int] = 1

    adversary: nn.Module | None
    detector_side: nn.Module | None
    adversary_learning_rate: float | None = None
    in_step: bool = True
    wants_masks: bool = False
    needs_landmarks: bool = False

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.params = self.Params.read(given)
        self.adversary = None
        self.detector_side = None
        self.adversary_steps = 0
        self.joint = False

    def check_size(self, side: int) -> None:
        """Check that the method accepts square images of this side, in pixels.

        Raises:
            ValueError: If ``side`` is too small.
        """

    def attach(self, detector: Detector) -> None:
        """Create modules that depend on the detector, such as heads on its features.

        Called once, before optimisers are created and before a checkpoint is loaded.
        """

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Altered copies of single images.

        Args:
            model: The detector as a classifier of single frames.
            frames: Images ``(N, 3, H, W)`` with their labels, masks and landmarks.
            rng: Source of all random draws.

        Returns:
            The altered images, their labels and masks.
        """
        raise NotImplementedError(f"{type(self).__name__} must define alter(), from images to altered ones.")

    def altered(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch of images or clips with every frame altered."""
        return batch.with_frames(self.alter(frame_model(detector, batch.clip_length), batch.frames(), rng))

    def adversary_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Tensor:
        """The adversary's loss, a scalar: minus the loss of the frozen detector, paper Eq. (7).

        Raises:
            RuntimeError: If the method has no adversary.
        """
        raise RuntimeError(f"{type(self).__name__} has no adversary; call adversary_loss only if adversary_steps > 0.")

    def detector_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> StepLoss:
        """Loss of one detector step, paper Eqs. (2), (3) and (7)."""
        return self.combine(detector, batch, self.altered(detector, batch, rng))

    def combine(self, detector: Detector, batch: Batch, altered: Batch) -> StepLoss:
        """``L(clean) + lam * L(altered)``, or ``L(altered)`` alone.

        Clean and altered images share one forward pass, so that batch normalisation treats them as one batch, as in
        the release. Cross-entropies are weighted image by image. A detector's auxiliary terms are one mean over the
        joint batch, so their weight is 1 + lam.
        """
        if self.params.clean == "instead":
            loss = detector.training_loss(altered.images, altered.labels, altered.masks)
            return StepLoss(loss.total, None, loss.classification.mean().detach(), loss.parts)
        masks = None
        if batch.masks is not None and altered.masks is not None:
            masks = torch.cat([batch.masks, altered.masks])
        loss = detector.training_loss(
            torch.cat([batch.images, altered.images]), torch.cat([batch.labels, altered.labels]), masks
        )
        clean, adversarial = (half.mean() for half in loss.classification.split(len(batch)))
        lam = self.params.lam
        auxiliary = loss.total - loss.classification.mean()
        total = clean + lam * adversarial + (1 + lam) * auxiliary
        return StepLoss(total, clean.detach(), adversarial.detach(), loss.parts)
