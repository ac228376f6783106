"""Accuracy and AUC of a detector on the validation frames of its training condition."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL


class Validation(NamedTuple):
    """Compares by accuracy, then by AUC; greater is better."""

    accuracy: float
    auc: float


@torch.no_grad()
def fake_probabilities(
    detector: nn.Module, batches: Iterable[Batch], autocast: Callable[[], object]
) -> tuple[Tensor, Tensor, Tensor]:
    """P(fake), label and manifest row of every sample, on the CPU; the detector's mode is restored."""
    was_training = detector.training
    detector.eval()
    scores, labels, rows = [], [], []
    try:
        for batch in batches:
            with autocast():  # type: ignore[attr-defined]
                logits = detector(batch.images)
            scores.append(fake_probability(logits))
            labels.append(batch.labels)
            rows.append(batch.rows)
    finally:
        detector.train(was_training)
    return torch.cat(scores).cpu(), torch.cat(labels).cpu(), torch.cat(rows).cpu()  # type: ignore[arg-type]


def judge(scores: ArrayLike, labels: ArrayLike) -> Validation:
    """Balanced accuracy and AUC, both in [0, 1]; a score of exactly 0.5 means real, as in evaluation.metrics.

    Conditions with four forgeries have four fakes per real. The paper's lists repeat the reals to balance them, which
    is the same as weighting both classes equally. A score that is not finite counts as wrong with full confidence.
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
    scores = np.where(np.isfinite(scores), scores, labels != FAKE_LABEL)
    real, fake = scores[labels == REAL_LABEL], scores[labels == FAKE_LABEL]
    return Validation(float(((real <= 0.5).mean() + (fake > 0.5).mean()) / 2), area_under_curve(real, fake))


def area_under_curve(real: np.ndarray, fake: np.ndarray) -> float:
    """Probability that a fake scores above a real, ties counting half."""
    ordered = np.sort(real)
    below = np.searchsorted(ordered, fake, "left") + np.searchsorted(ordered, fake, "right")
    return float(below.mean() / (2 * len(real)))
