"""Gradient ascent on a classifier's loss in any variable that makes an image: one loop for all attacks.

The loop does not depend on the variable (pixels, a flow, a blur map) or the number of steps; an attack defines a few
hooks. The loop maximises the sum of the images' losses, not their mean, so that a perturbation does not depend on the
other images of its batch.

The gradient is that of the margin; the cross entropy is an increasing function of it. The cross entropy of a confident
network has gradients below float32's range, the margin does not. `StepRule` explains the consequence for each rule.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from deepfake_adv.ops.checks import check_finite, check_images
from deepfake_adv.ops.draws import Rng
from deepfake_adv.ops.losses import cross_entropy_of, margin
from deepfake_adv.params.base import Rule, Section


class StepRule(StrEnum):
    """How a gradient becomes a step of size ``step_size``.

    RAW adds step_size x gradient, as Eq. (6) prints it; RELATIVE divides the gradient by its mean magnitude over
    the image and multiplies by the attack's scale; SIGN moves every entry by step_size, as Eq. (1); L2 gives each
    image's step the Euclidean norm step_size.

    The last three use only the gradient's direction, which is the same for the loss and the margin, so they use the
    margin. RAW also uses the gradient's size, so it uses the loss: where a network is so confident that the loss's
    gradient is below float32's range, a raw step changes nothing.
    """

    RAW = "raw"
    RELATIVE = "relative"
    SIGN = "sign"
    L2 = "l2"


class Attack(ABC):
    """An attack: a variable, the image made from it, its steps and its bound.

    Attributes:
        params: Its `Params`, read from the arguments.
        tiny: Arguments of small configurations, for the contract tests of all attacks.
    """

    tiny: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)

    class Params(Section):
        """Arguments of every attack."""

        steps: int = Field(1, ge=1, strict=True, description="Steps of ascent; 1 for one-step attacks.")
        rule: Rule = Field("relative", description="How a gradient becomes a step: raw, relative, sign or l2.")

    params: Any

    def __init__(self, **given: Any) -> None:
        self.params = self.Params.read(given)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.params})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.params == self.params

    def __hash__(self) -> int:
        return hash((type(self), self.params))

    @property
    def steps(self) -> int:
        """Number of ascent steps."""
        return int(self.params.steps)

    @property
    def rule(self) -> str:
        """One of ``StepRule``."""
        return str(self.params.rule)

    @abstractmethod
    def initial(self, images: Tensor, rng: Rng) -> Tensor:
        """Return the initial variable for ``images`` (B, C, H, W)."""

    @abstractmethod
    def to_image(self, images: Tensor, variable: Tensor) -> Tensor:
        """Return the adversarial images that ``variable`` makes of ``images``, differentiable in ``variable``."""

    @abstractmethod
    def project(self, images: Tensor, variable: Tensor) -> Tensor:
        """Return the nearest allowed variable."""

    @property
    @abstractmethod
    def size(self) -> float:
        """Size of one step, in the units of ``rule``."""

    @property
    def scale(self) -> float:
        """Typical magnitude of the variable, by which a relative step is multiplied."""
        return 1.0

    def check_size(self, height: int, width: int) -> None:  # noqa: B027  most attacks accept any image
        """Check that the attack accepts images of ``height`` x ``width`` pixels.

        Raises:
            ValueError: If they are too small.
        """

    def penalty(self, variable: Tensor) -> Tensor | None:
        """Return a penalty (B,) that is subtracted from the objective, or None.

        The objective is each image's loss under RAW and its margin under the other rules, as in Xiao et al. (2018):
        a penalty would dominate the vanishing gradient of a confident network's cross entropy.
        """
        return None

    def step(self, variable: Tensor, gradient: Tensor) -> Tensor:
        """Return ``variable`` after one step along ``gradient``, not yet projected."""
        return variable + self.size * direction(gradient, self.rule, self.scale)


class AttackResult(NamedTuple):
    """Result of an attack; all tensors are detached.

    ``loss_before`` (B,) is each image's loss at the initial variable (the clean images for FGSM, the evenly blurred
    ones for the blur); ``loss_after`` (B,) is the loss on ``images``, None unless requested, since it takes another
    forward pass.
    """

    images: Tensor
    variable: Tensor
    loss_before: Tensor
    loss_after: Tensor | None


class Loss(NamedTuple):
    """A loss per image, as an increasing function of a quantity whose gradient does not vanish.

    Attributes:
        inner: Logits (B, classes) and labels (B,) to the quantity, (B,).
        outer: The quantity to the loss, (B,).
    """

    inner: Callable[[Tensor, Tensor], Tensor]
    outer: Callable[[Tensor], Tensor] = torch.clone


CROSS_ENTROPY: Final = Loss(margin, cross_entropy_of)


def ascend(
    attack: Attack,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    rng: Rng = None,
    loss: Loss = CROSS_ENTROPY,
    measure: bool = False,
) -> AttackResult:
    """Make adversarial images against ``model``; paper Eqs. (1), (2) and (6), one step or many.

    The model runs in eval mode with frozen weights, so that its batch statistics and gradients do not change. Its mode
    and flags are restored afterwards, also after an exception. Works under ``no_grad`` and autocast.

    Args:
        attack: The variable and its steps.
        model: Images to logits ``(B, classes)``, two classes or more.
        images: ``(B, C, H, W)`` in [0, 1].
        labels: ``(B,)``, integers.
        rng: For attacks with a random start; one, or one per image.
        loss: The loss to increase; ``Loss(f)`` for any function of logits and labels to ``(B,)``.
        measure: Compute ``loss_after``, with one more forward pass.

    Raises:
        ValueError: If images, labels or the model's output are not as above. Values are checked on the CPU only;
            elsewhere the check would wait for the device.
    """
    _check(images, labels)
    with torch.inference_mode(False), torch.enable_grad(), frozen_eval(model):
        images, labels = _outside_autograd(images), _outside_autograd(labels)
        start = None
        with torch.no_grad():
            variable = attack.project(images, attack.initial(images, rng))
        for _ in range(attack.steps):
            variable = variable.detach().requires_grad_(True)
            inner = _inner(model, attack.to_image(images, variable), labels, loss)
            start = loss.outer(inner.detach()) if start is None else start
            gradient = _gradient(attack, variable, inner, loss)
            with torch.no_grad():
                variable = attack.project(images, attack.step(variable, gradient))
        assert start is not None, "an attack has at least one step"
        with torch.no_grad():
            adversarial = attack.to_image(images, variable)
            after = loss.outer(_inner(model, adversarial, labels, loss)) if measure else None
    return AttackResult(adversarial, variable, start, after)


def _gradient(attack: Attack, variable: Tensor, inner: Tensor, loss: Loss) -> Tensor:
    """Return the gradient that ``attack`` steps along; see `StepRule` for its size."""
    (gradient,) = torch.autograd.grad(inner.sum(), variable)
    if attack.rule == StepRule.RAW:
        at = inner.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(loss.outer(at).sum(), at)
        gradient = gradient * slope.to(gradient.dtype).view(-1, *[1] * (gradient.dim() - 1))
    penalty = attack.penalty(variable)
    return gradient if penalty is None else gradient - torch.autograd.grad(penalty.sum(), variable)[0]


def direction(gradient: Tensor, rule: str, scale: float) -> Tensor:
    """Return the step for ``gradient`` (B, ...) under ``rule``, per unit of step size; zero where it is zero."""
    if rule == StepRule.RAW:
        return gradient
    if rule == StepRule.SIGN:
        return gradient.sign()
    dims = tuple(range(1, gradient.dim()))
    # Divide by the largest magnitude first: squares of small gradients would underflow in float32.
    tiny = torch.finfo(gradient.dtype).tiny
    gradient = gradient / gradient.abs().amax(dims, keepdim=True).clamp_min(tiny)
    if rule == StepRule.RELATIVE:
        return scale * gradient / gradient.abs().mean(dims, keepdim=True).clamp_min(tiny)
    return gradient / gradient.square().sum(dims, keepdim=True).sqrt().clamp_min(tiny)


@contextmanager
def frozen_eval(model: nn.Module) -> Iterator[None]:
    """Run ``model`` in eval mode with frozen weights; restore all modes and flags afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    flags = [(weight, weight.requires_grad) for weight in model.parameters()]
    try:
        for module, _ in modes:
            module.training = False
        for weight, _ in flags:
            weight.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for weight, requires_grad in flags:
            weight.requires_grad_(requires_grad)


def _inner(model: nn.Module, images: Tensor, labels: Tensor, loss: Loss) -> Tensor:
    logits = model(images)
    if logits.dim() != 2 or logits.shape[0] != labels.shape[0] or logits.shape[1] < 2:
        raise ValueError(
            f"model must return logits of the shape (B, classes) with B = {labels.shape[0]} and at least two classes; "
            f"got {tuple(logits.shape)}. Wrap it so that it returns one row per image."
        )
    inner = loss.inner(logits, labels)
    if inner.shape != labels.shape:
        raise ValueError(
            f"loss must return one value per image, (B,) = {tuple(labels.shape)}; got {tuple(inner.shape)}. "
            "Use reduction='none'."
        )
    return inner


def _check(images: Tensor, labels: Tensor) -> None:
    check_images(images)
    if labels.shape != images.shape[:1] or labels.is_floating_point():
        raise ValueError(
            f"labels must be integers of the shape (B,) = ({images.shape[0]},); got {labels.dtype} of "
            f"{tuple(labels.shape)}. Give one class index per image."
        )
    if images.device.type == "cpu" and images.numel():
        check_finite(images, name="images")
        low, high = (value.item() for value in torch.aminmax(images.detach()))
        if low < -1e-4 or high > 1 + 1e-4:
            raise ValueError(
                f"images must be within [0, 1]; got {low:.4g} to {high:.4g}. Leave normalisation to the model."
            )


def _outside_autograd(tensor: Tensor) -> Tensor:
    """Detach; tensors made in inference mode are copied, since autograd refuses to save them."""
    return tensor.clone() if tensor.is_inference() else tensor.detach()
