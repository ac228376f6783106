"""Cross entropy that keeps its gradient however certain a network is."""

import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.precision import at_least_float32

_LINEAR = 40.0  # above, log(1 + exp(m)) is m to the last digit of float64


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """How far the other classes together are above the true one: log sum exp over j != y of (z_j - z_y).

    Its gradient is -1 for the true logit and the other classes' softmax for theirs, whatever the logits are, so that
    it never vanishes. Computed in float32 at least, also under autocast.

    Args:
        logits: ``(B, classes)``, at least two classes.
        labels: ``(B,)``, integers, the true classes.

    Returns:
        ``(B,)``: below 0 where the true class has more than half of the probability.

    Raises:
        ValueError: If a shape is not as above.
    """
    if logits.dim() != 2 or logits.shape[1] < 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits must have the shape (B, classes) with at least two classes, and labels (B,); "
            f"got {tuple(logits.shape)} and {tuple(labels.shape)}. Give one row of logits and one label per image."
        )
    logits, true = at_least_float32(logits), labels.long()[:, None]
    others = logits.masked_fill(torch.zeros_like(logits, dtype=torch.bool).scatter(1, true, True), -torch.inf)
    return others.logsumexp(1) - logits.gather(1, true)[:, 0]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Each image's cross entropy, ``(B,)``, in nats: softplus of the `margin`.

    ``functional.cross_entropy`` subtracts from 1 what it rounds to 1 first: in float32 the true logit loses its
    gradient, and the loss its value, from a gap of about 17 on. Here both are right until they leave float32's
    range, at a gap of about 100. Arguments and errors as of `margin`.
    """
    return cross_entropy_of(margin(logits, labels))


def cross_entropy_of(margins: Tensor) -> Tensor:
    """The cross entropy ``(B,)`` of the `margin`; it rises with it, by the sigmoid of it."""
    return functional.softplus(margins, threshold=_LINEAR)
