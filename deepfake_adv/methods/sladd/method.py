"""Self-supervised training on adversarially chosen forgeries (Chen et al., CVPR 2022)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from deepfake_adv.attacks.engine import frozen_eval
from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import Detector
from deepfake_adv.methods.base import Clean, Method, StepLoss
from deepfake_adv.methods.registry import register_method
from deepfake_adv.methods.sladd.forgeries import Forgeries, synthesize, untouched
from deepfake_adv.methods.sladd.heads import Heads, Targets, Weights, am_softmax
from deepfake_adv.methods.sladd.synthesizer import Synthesizer, reinforce
from deepfake_adv.ops.precision import at_least_float32

SladdUpdate = Literal["alternating", "joint"]


@register_method("sladd")
class Sladd(Method):
    """A synthesizer forges real faces so that the detector errs; auxiliary heads learn what it did.

    Only reals are altered, with a fake of the same batch as reference; an image without landmarks, and a
    batch without a usable fake, are left as they are and counted in the log. The detector's class loss is an
    AM-softmax on its raw logits; map, type and magnitude of the forgery are learnt by heads on its last
    feature map, and the detector's own auxiliary losses stay in force. The synthesizer learns by REINFORCE.

    With ``update="joint"`` (the seed's way) one set of forgeries serves both players; with "alternating" the
    synthesizer takes steps of its own against the frozen detector in eval mode, and the forgeries are made anew for
    the detector. The reward of a choice is the class loss of the very image that it made, less the batch's mean. (The
    seed rewards every choice of a batch with the whole batch's training loss, one number, which cannot tell a good
    choice from a bad one.)

    Args:
        synthesizer: Arguments of `Synthesizer`.
        weights: Of the auxiliary losses: ``map``, ``kind``, ``magnitude``.
        margin: AM-softmax margin.
        scale: AM-softmax scale.
        entropy_weight: Of the synthesizer's entropy bonus.
        flip: Whether every batch is doubled with its mirror image.
        adversary_steps: Synthesizer steps per detector step, at least 1; only for "alternating".
        adversary_learning_rate: Of the synthesizer; None: the recipe's.
        update: "alternating" or "joint".
        lam: See `Method`.
        clean: See `Method`; the seed's way is "instead".

    Raises:
        ValueError: If an argument is out of range.
    """

    adversary: Synthesizer
    detector_side: Heads | None
    in_step = False  # a share of the batch without landmarks leaves the synthesizer out
    wants_masks = True
    needs_landmarks = True

    def __init__(
        self,
        *,
        synthesizer: Mapping[str, Any] | None = None,
        weights: Mapping[str, float] | None = None,
        margin: float = 0.45,
        scale: float = 30.0,
        entropy_weight: float = 1e-5,
        flip: bool = True,
        adversary_steps: int = 1,
        adversary_learning_rate: float | None = None,
        update: SladdUpdate = "joint",
        lam: float = 1.0,
        clean: Clean = "instead",
    ) -> None:
        super().__init__(lam=lam, clean=clean)
        if update not in get_args(SladdUpdate):
            raise ValueError(f"update must be 'alternating' or 'joint'; got {update!r}. The seed's way is 'joint'.")
        if adversary_steps < 1:
            raise ValueError(f"adversary_steps must be at least 1; got {adversary_steps}. Take 1.")
        given = {"map": 0.1, "kind": 0.05, "magnitude": 0.1, **(weights or {})}
        self.weights = Weights(given["map"], given["kind"], given["magnitude"])
        self.margin, self.scale, self.entropy_weight, self.flip = margin, scale, entropy_weight, flip
        self.adversary = Synthesizer(**(synthesizer or {}))
        self.adversary_learning_rate = adversary_learning_rate
        self.joint = update == "joint"
        self.adversary_steps = 0 if self.joint else adversary_steps
        self._head_seed = int(torch.randint(2**31, ()))

    def attach(self, detector: Detector) -> None:
        """Make the heads for the detector's features; the second call does nothing."""
        if self.detector_side is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._head_seed)
                self.detector_side = Heads(detector.feature_channels)

    def altered(self, detector: Detector, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with its reals forged; labels and masks change with them."""
        with torch.no_grad():
            return synthesize(batch, self.adversary, generator).batch

    def adversary_loss(self, detector: Detector, batch: Batch, generator: torch.Generator) -> Tensor:
        """REINFORCE with the frozen detector's class loss on each image as the reward of what was done to it."""
        forgeries = synthesize(batch, self.adversary, generator)
        with torch.no_grad(), frozen_eval(detector):
            if forgeries.choice is None:
                reward = forgeries.batch.images.new_zeros(0)
            else:
                chosen = forgeries.candidates
                reward = self._class_loss(detector(forgeries.batch.images[chosen]), forgeries.batch.labels[chosen])
        return self._policy_loss(forgeries, reward)

    def detector_loss(self, detector: Detector, batch: Batch, generator: torch.Generator) -> StepLoss:
        """AM-softmax, the heads' losses and the detector's own auxiliary terms, in one forward pass.

        Raises:
            RuntimeError: If the method has not been attached to a detector.
        """
        if self.detector_side is None:
            raise RuntimeError("sladd must be attached to a detector first; got none. Call method.attach(detector).")
        with torch.set_grad_enabled(self.joint and torch.is_grad_enabled()):
            forgeries = synthesize(batch, self.adversary, generator)
        views = [(forgeries.batch, forgeries.targets)]
        if self.clean == "with":
            views.insert(0, (batch, untouched(batch)))
        images, labels, masks, targets = _joined(views, flip=self.flip)
        loss = detector.training_loss(images, labels, masks)
        heads = self.detector_side.losses(
            loss.terms.features,
            targets,
            self.weights,
            margin=self.margin,
            scale=self.scale,
            generator=generator,
        )
        rows = self._class_loss(loss.terms.logits, labels).unflatten(0, (len(views), -1))
        shares = rows.new_tensor([1.0, self.lam][: len(views)])
        auxiliary = sum([*heads.values(), *loss.terms.auxiliary.values()])
        total = (shares * rows.mean(1)).sum() + shares.sum() * auxiliary
        parts = {**loss.parts, **{f"sladd_{name}": term.detach() for name, term in heads.items()}}
        parts["sladd_forged"] = rows.new_tensor(float(forgeries.forged))
        parts["sladd_without_landmarks"] = rows.new_tensor(float(forgeries.without_landmarks))
        if self.joint:
            policy = self._policy_loss(forgeries, rows[-1, forgeries.candidates])
            parts["sladd_policy"] = policy.detach()
            total = total + (policy - policy.detach())  # its gradient alone: a policy loss measures nothing
        means = loss.classification.detach().unflatten(0, (len(views), -1)).mean(1)
        return StepLoss(total, means[0] if self.clean == "with" else None, means[-1], parts)

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return am_softmax(at_least_float32(logits), labels, margin=self.margin, scale=self.scale)

    def _policy_loss(self, forgeries: Forgeries, reward: Tensor) -> Tensor:
        if forgeries.choice is None:  # nothing was chosen: a zero that the loop can still differentiate
            return 0 * sum(weight.sum() for weight in self.adversary.parameters())  # type: ignore[return-value]
        return reinforce(forgeries.choice, reward, entropy_weight=self.entropy_weight)


def _joined(views: Sequence[tuple[Batch, Targets]], *, flip: bool) -> tuple[Tensor, Tensor, Tensor | None, Targets]:
    """Images, labels, masks and targets of all views in a row, each followed by its mirror image."""
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
