"""The interface of a training method, and the one place where clean and adversarial losses meet."""

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
    """What a detector step minimises.

    Attributes:
        total: Scalar with gradients.
        clean: Mean cross-entropy of the clean images, detached; None where they are not used.
        adversarial: Mean cross-entropy of the altered images, detached; None where there are none.
        parts: Further scalars for the log, detached.
    """

    total: Tensor
    clean: Tensor | None
    adversarial: Tensor | None
    parts: dict[str, Tensor]


class Method(nn.Module):
    """One table row: how the images that a detector trains on are altered.

    The training loop runs ``adversary_steps`` times `adversary_loss` (minimised over ``adversary``) and
    then once `detector_loss` (minimised over the detector and ``detector_side``); where ``joint``, the
    latter's backward pass also fills the gradients of ``adversary``, and one optimiser steps both.

    Clips are taken apart, altered frame by frame and put together again here, so that a subclass sees
    single images only.

    Attributes:
        adversary: The opponent's parameters, with a learning rate of their own; None without an opponent.
        detector_side: Auxiliary heads that learn with the detector's optimiser; None without any.
        adversary_steps: Steps of the adversary per step of the detector; 0 without one, or where joint.
        adversary_learning_rate: Of the adversary's optimiser, where it is not the recipe's.
        joint: Whether the adversary learns from the detector step's own backward pass.
        in_step: Every rank runs the adversary in every step, which layers that are synchronised over ranks need.
        wants_masks: Learns from forgery masks where every fake has one.
        needs_landmarks: Does nothing to faces without landmarks.
        attacks: Makes altered images that raise the detector's loss.
        tiny: Arguments of the smallest forms, for the tests that every method passes.
        params: Its `Params`, read from the arguments.

    Args:
        given: Fields of `Params`; what is left out has its default.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Section):
        """What every method takes, but for the baseline, which alters nothing."""

        lam: float = Field(
            1.0, ge=0, description="Weight of the altered images, lambda of paper Eq. (3); no effect under `instead`."
        )
        clean: Clean = Field(
            "with", description="with: clean and altered images, Eq. (3); instead: altered images alone, Eq. (2)."
        )

    params: Any
    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    attacks: ClassVar[bool] = False

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
        """Refuse square images of a side, in pixels, that a part of the method cannot take.

        Raises:
            ValueError: If ``side`` is too small.
        """

    def attach(self, detector: Detector) -> None:
        """Make what depends on the detector, such as heads on its features.

        The loop calls it once, before the optimisers are made and before a checkpoint is read.
        """

    def alter(self, model: nn.Module, frames: Batch, rng: torch.Generator) -> Batch:
        """Altered copies of single images, the heart of a method.

        Args:
            model: The detector as a classifier of single frames.
            frames: Images ``(N, 3, H, W)`` with their labels, masks and landmarks.
            rng: The only source of randomness.

        Returns:
            The altered images, their labels and masks.
        """
        raise NotImplementedError(f"{type(self).__name__} must define alter(), from images to altered ones.")

    def altered(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch, images or clips, with every frame altered, as `detector_loss` trains on it."""
        return batch.with_frames(self.alter(frame_model(detector, batch.clip_length), batch.frames(), rng))

    def adversary_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Tensor:
        """Scalar that the adversary minimises: minus the frozen detector's loss, paper Eq. (7).

        Raises:
            RuntimeError: If the method has no adversary.
        """
        raise RuntimeError(f"{type(self).__name__} has no adversary; call adversary_loss only if adversary_steps > 0.")

    def detector_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> StepLoss:
        """Loss of one detector step, paper Eqs. (2), (3) and (7)."""
        return self.combine(detector, batch, self.altered(detector, batch, rng))

    def combine(self, detector: Detector, batch: Batch, altered: Batch) -> StepLoss:
        """``L(clean) + lam * L(altered)``, or ``L(altered)`` alone.

        Clean and altered images go through the detector in one forward pass: its batch normalisation
        sees both as one batch, as the release has it, and there is one pass to run. Cross-entropies are
        weighted image by image; a detector's auxiliary terms come as one mean over that joint batch, so
        they enter with weight 1 + lam as a whole.
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
