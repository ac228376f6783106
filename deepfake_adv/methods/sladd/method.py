"""Self-supervised training on adversarially chosen forgeries (Chen et al., CVPR 2022)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from deepfake_adv.attacks.ascent import frozen_eval
from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.methods.base import Clean, Method, StepLoss
from deepfake_adv.methods.registry import register_method
from deepfake_adv.methods.sladd.forgeries import Forgeries, synthesize, untouched
from deepfake_adv.methods.sladd.heads import Heads, Targets, Weights, am_softmax
from deepfake_adv.methods.sladd.synthesizer import Synthesizer, reinforce
from deepfake_adv.ops.precision import at_least_float32
from deepfake_adv.params.base import Section

SladdUpdate = Literal["alternating", "joint"]


class LossWeights(Section):
    """Weights of the auxiliary losses."""

    map: float = Field(0.1, ge=0, description="Of the map.")
    kind: float = Field(0.05, ge=0, description="Of the forgery's type.")
    magnitude: float = Field(0.1, ge=0, description="Of its magnitude.")


@register_method("sladd")
class Sladd(Method):
    """A synthesizer forges real faces against the detector; auxiliary heads predict how each was forged.

    Only reals are altered, with a fake of the same batch as reference. An image without landmarks and a batch without
    a usable fake stay unchanged and are counted in the log. The detector's class loss is an AM-softmax on its raw
    logits. Heads on its last feature map learn map, type and magnitude of the forgery, beside the detector's own
    auxiliary losses. The synthesizer is trained by REINFORCE.

    With ``update="joint"``, as in the seed, one set of forgeries trains both. With "alternating" the synthesizer takes
    its own steps against the frozen detector in eval mode, and new forgeries are made for the detector. The reward of
    a choice is the class loss of its own image minus the batch's mean. (The seed's reward is the training loss of the
    whole batch, one number for all choices, which cannot tell a good choice from a bad one.)

    Raises:
        ValueError: If an argument is unknown or out of range.
    """

    class Params(Method.Params):
        """Arguments of SLADD; the defaults are the seed's."""

        synthesizer: Synthesizer.Params = Field(
            Synthesizer.Params.read({}), description="Arguments of the policy network."
        )
        weights: LossWeights = Field(LossWeights.read({}), description="Weights of the auxiliary losses.")
        margin: float = Field(0.45, ge=0, description="AM-softmax margin; 0 with scale 1 is cross-entropy.")
        scale: float = Field(30.0, gt=0, description="AM-softmax scale.")
        entropy_weight: float = Field(1e-5, ge=0, description="Weight of the synthesizer's entropy bonus.")
        flip: bool = Field(True, description="Double every batch with its mirror image.")
        adversary_steps: int = Field(
            1, ge=1, description="Synthesizer steps per detector step; no effect under `joint`."
        )
        adversary_learning_rate: float | None = Field(
            None, gt=0, description="Of the synthesizer; null: train.adversary_learning_rate."
        )
        update: SladdUpdate = Field("joint", description="joint: one set of forgeries for both; or alternating.")
        clean: Clean = Field("instead", description="instead: the seed's way; with: clean images too, Eq. (3).")

    tiny = ({"synthesizer": {"width": 4}}, {"synthesizer": {"width": 4}, "update": "alternating", "clean": "with"})
    adversary: Synthesizer
    detector_side: Heads | None
    in_step = False  # a rank whose images have no landmarks does not run the synthesizer
    wants_masks = True
    needs_landmarks = True

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        params = self.params
        self.weights = Weights(params.weights.map, params.weights.kind, params.weights.magnitude)
        self.margin, self.scale = params.margin, params.scale
        self.entropy_weight, self.flip = params.entropy_weight, params.flip
        self.adversary = Synthesizer(**dict(params.synthesizer))
        self.adversary_learning_rate = params.adversary_learning_rate
        self.joint = params.update == "joint"
        self.adversary_steps = 0 if self.joint else params.adversary_steps
        self._head_seed = int(torch.randint(2**31, ()))

    def attach(self, detector: Detector) -> None:
        """Make the heads for the detector's features; the second call does nothing."""
        if self.detector_side is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._head_seed)
                self.detector_side = Heads(detector.feature_channels)

    def altered(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch with its reals forged; labels and masks change with them."""
        with torch.no_grad():
            return synthesize(batch, self.adversary, rng).batch

    def adversary_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> Tensor:
        """REINFORCE with the frozen detector's class loss on each image as the reward of what was done to it."""
        forgeries = synthesize(batch, self.adversary, rng)
        with torch.no_grad(), frozen_eval(detector):
            if forgeries.choice is None:
                reward = forgeries.batch.images.new_zeros(0)
            else:
                chosen = forgeries.candidates
                reward = self._class_loss(detector(forgeries.batch.images[chosen]), forgeries.batch.labels[chosen])
        return self._policy_loss(forgeries, reward)

    def detector_loss(self, detector: Detector, batch: Batch, rng: torch.Generator) -> StepLoss:
        """AM-softmax, the heads' losses and the detector's own auxiliary terms, in one forward pass.

        Raises:
            RuntimeError: If the method has not been attached to a detector.
        """
        if self.detector_side is None:
            raise RuntimeError("sladd must be attached to a detector first; got none. Call method.attach(detector).")
        with torch.set_grad_enabled(self.joint and torch.is_grad_enabled()):
            forgeries = synthesize(batch, self.adversary, rng)
        views = [(forgeries.batch, forgeries.targets)]
        if self.params.clean == "with":
            views.insert(0, (batch, untouched(batch)))
        images, labels, masks, targets = _joined(views, flip=self.flip)
        loss = detector.training_loss(images, labels, masks)
        heads = self.detector_side.losses(
            loss.terms.features,
            targets,
            self.weights,
            margin=self.margin,
            scale=self.scale,
            rng=rng,
        )
        rows = self._class_loss(loss.terms.logits, labels).unflatten(0, (len(views), -1))
        shares = rows.new_tensor([1.0, self.params.lam][: len(views)])
        auxiliary = sum([*heads.values(), *loss.terms.auxiliary.values()])
        total = (shares * rows.mean(1)).sum() + shares.sum() * auxiliary
        parts = {**loss.parts, **{f"sladd_{name}": term.detach() for name, term in heads.items()}}
        parts["sladd_forged"] = rows.new_tensor(float(forgeries.forged))
        parts["sladd_without_landmarks"] = rows.new_tensor(float(forgeries.without_landmarks))
        if self.joint:
            policy = self._policy_loss(forgeries, rows[-1, forgeries.candidates])
            parts["sladd_policy"] = policy.detach()
            total = total + (policy - policy.detach())  # only its gradient: its value has no meaning
        means = loss.classification.detach().unflatten(0, (len(views), -1)).mean(1)
        return StepLoss(total, means[0] if self.params.clean == "with" else None, means[-1], parts)

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return am_softmax(at_least_float32(logits), labels, margin=self.margin, scale=self.scale)

    def _policy_loss(self, forgeries: Forgeries, reward: Tensor) -> Tensor:
        if forgeries.choice is None:  # nothing was chosen: a differentiable zero
            return 0 * sum(weight.sum() for weight in self.adversary.parameters())  # type: ignore[return-value]
        return reinforce(forgeries.choice, reward, entropy_weight=self.entropy_weight)


def _joined(views: Sequence[tuple[Batch, Targets]], *, flip: bool) -> tuple[Tensor, Tensor, Tensor | None, Targets]:
    """Images, labels, masks and targets of all views, concatenated; each view is followed by its mirror image."""
    if flip:
        views = [copy for view in views for copy in (view, _mirrored(*view))]
    masks = [batch.masks for batch, _ in views if batch.masks is not None]
    return (
        torch.cat([batch.images for batch, _ in views]),
        torch.cat([batch.labels for batch, _ in views]),
        torch.cat(masks) if masks else None,
        Targets(*(torch.cat(parts) for parts in zip(*(targets for _, targets in views), strict=True))),
    )


def _mirrored(batch: Batch, targets: Targets) -> tuple[Batch, Targets]:
    masks = None if batch.masks is None else batch.masks.flip(-1)
    return replace(batch, images=batch.images.flip(-1), masks=masks), targets._replace(masks=targets.masks.flip(-1))
