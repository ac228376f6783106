"""Cross entropy whose gradient does not vanish for confident networks."""

import torch
from torch import Tensor
from torch.nn import functional

from deepfake_adv.ops.precision import at_least_float32

_LINEAR = 40.0  # above, log(1 + exp(m)) is m to the last digit of float64


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-sum-exp of the other classes' logits minus the true one's: log sum over j != y of exp(z_j - z_y).

    Its gradient is -1 in the true logit and the softmax of the other classes in theirs, so that it never vanishes.
    Computed in float32 at least, also under autocast.

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

    ``functional.cross_entropy`` subtracts a probability from 1 after it is rounded to 1: in float32 loss and gradient
    are 0 from a gap of about 17 between the logits on. Here both are correct up to a gap of about 100, where they
    leave float32's range. Arguments and errors as in `margin`.
    """
    return cross_entropy_of(margin(logits, labels))


def cross_entropy_of(margins: Tensor) -> Tensor:
    """The cross entropy ``(B,)`` as a function of the `margin`; its derivative is the margin's sigmoid."""
    return functional.softplus(margins, threshold=_LINEAR)
