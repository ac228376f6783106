"""Trained detectors under degradation and under attack: beyond the paper."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfake_adv.attacks.engine import ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.evaluation.metrics import accuracy, auc, curve
from deepfake_adv.studies.degrade import DEGRADATIONS

logger = logging.getLogger(__name__)


@torch.no_grad()
def scores_of(detector: nn.Module, images: Tensor, batch_size: int) -> NDArray[np.float32]:
    """P(fake) of images ``(N, 3, H, W)`` in [0, 1]."""
    device = next(detector.parameters()).device
    parts = [fake_probability(detector(part.to(device))).cpu() for part in images.split(batch_size)]
    return torch.cat(parts).numpy()


def degradation_curves(
    detectors: Mapping[str, nn.Module],
    images: Tensor,
    labels: NDArray[np.int64],
    videos: NDArray[np.int64],
    levels: Mapping[str, Sequence[float]],
    *,
    batch_size: int,
) -> list[dict[str, Any]]:
    """AUC of each detector at each level of each degradation.

    Args:
        detectors: Run name to detector.
        images: ``(N, 3, H, W)`` uint8.
        labels: ``(N,)``.
        videos: ``(N,)``, equal for crops of one video, which follow each other in time.
        levels: Names of `DEGRADATIONS` to their levels.
        batch_size: Images per pass.
    """
    clean = images.float() / 255
    rows = []
    for name, values in levels.items():
        for level in values:
            degraded = DEGRADATIONS[name](clean, level, videos)
            for run, detector in detectors.items():
                value = 100 * auc(curve(scores_of(detector, degraded, batch_size), labels))
                rows.append({"run": run, "degradation": name, "level": level, "auc": value})
        logger.info("degraded by %s at %d levels", name, len(values))
    return rows


def attack_transfer(
    detectors: Mapping[str, nn.Module],
    images: Tensor,
    labels: NDArray[np.int64],
    attacks: Mapping[str, Mapping[str, Any]],
    *,
    batch_size: int,
    seed: int,
) -> list[dict[str, Any]]:
    """AUC and accuracy of each detector on examples crafted on each: the diagonal is the white box.

    Args:
        detectors: Run name to detector.
        images: ``(N, 3, H, W)`` uint8.
        labels: ``(N,)``.
        attacks: A label to the arguments of `build_attack`, its ``name`` among them.
        batch_size: Images per pass.
        seed: Of random starts.
    """
    clean, truth = images.float() / 255, torch.from_numpy(labels)
    rows = [_row(run, None, "none", scores_of(net, clean, batch_size), labels) for run, net in detectors.items()]
    for label, arguments in attacks.items():
        attack = build_attack(**arguments)
        for source, network in detectors.items():
            device = next(network.parameters()).device
            generator = torch.Generator().manual_seed(seed)
            crafted = torch.cat(
                [
                    ascend(attack, network, part.to(device), answer.to(device), generator=generator).images.cpu()
                    for part, answer in zip(clean.split(batch_size), truth.split(batch_size), strict=True)
                ]
            )
            rows += [
                _row(victim, source, label, scores_of(judge, crafted, batch_size), labels)
                for victim, judge in detectors.items()
            ]
        logger.info("attacked by %s", label)
    return rows


def _row(
    victim: str, source: str | None, attack: str, scores: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, Any]:
    value = {"auc": 100 * auc(curve(scores, labels)), "acc": 100 * accuracy(scores, labels)}
    return {"attack": attack, "source": source, "victim": victim, **value}
