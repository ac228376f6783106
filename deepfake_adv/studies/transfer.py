"""Adversarial examples crafted on one classifier and judged by the others; Tables VII, XII, XIII and XIV."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from scipy.stats import binomtest
from torch import Tensor, nn

from deepfake_adv.attacks.engine import Attack, ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.studies.classifiers import correct

logger = logging.getLogger(__name__)


class Setting(NamedTuple):
    """One attack as the tables name it; `facts` are the fields of its cells."""

    facts: dict[str, Any]
    attack: Attack


def settings(
    readings: Mapping[str, Mapping[str, Any]],
    *,
    table_reading: str,
    fgsm_epsilon: float,
    pgd_steps: int,
    kernel_size: int,
    kernel_sizes: Sequence[int],
    starts: Sequence[float],
) -> list[Setting]:
    """Every attack that the four tables ask for, each once.

    Args:
        readings: Readings of Eq. (6)'s epsilon: name to ``rule`` and ``epsilon``.
        table_reading: The reading that fills the tables; cells of the others are marked extra.
        fgsm_epsilon: Radius of FGSM and PGD, of [0, 1].
        pgd_steps: Steps of PGD and of the iterated blur (Table XIV: 3).
        kernel_size: Window of Tables VII, XIII and XIV, pixels.
        kernel_sizes: Windows of Table XII, pixels.
        starts: First values of sigma of Table XIII, pixels; the others start at 1.
    """
    found = [
        Setting({"attack": "fgsm", "steps": 1, "epsilon": fgsm_epsilon}, build_attack("fgsm", epsilon=fgsm_epsilon)),
        Setting(
            {"attack": "pgd", "steps": pgd_steps, "epsilon": fgsm_epsilon},
            build_attack("pgd", epsilon=fgsm_epsilon, steps=pgd_steps),
        ),
    ]
    for name, reading in readings.items():
        chosen = [(kernel_size, sigma, 1) for sigma in starts]
        chosen += [(size, 1.0, 1) for size in kernel_sizes] + [(kernel_size, 1.0, pgd_steps)]
        for size, sigma, steps in dict.fromkeys(chosen):
            facts = {"attack": "blur", "reading": name, "steps": steps, "kernel_size": size, "sigma": sigma}
            facts |= {**reading, "extra": name != table_reading}
            found.append(
                Setting(
                    facts,
                    build_attack("blur_multistep", start=1 / sigma, kernel_size=size, steps=steps, **reading),
                )
            )
    return found


def adversarial_accuracy(
    classifiers: Mapping[str, nn.Module],
    images: Tensor,
    labels: Tensor,
    attacks: Sequence[Setting],
    *,
    batch_size: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Share of adversarial examples that each victim still classifies rightly, for each source and attack.

    Args:
        classifiers: Name to network: images in [0, 1] to logits.
        images: ``(N, 3, H, W)`` uint8.
        labels: ``(N,)`` int64.
        attacks: What to craft on each source.
        batch_size: Images per pass.
        seed: Of random starts.

    Returns:
        One cell per source, victim and attack, and one with attack "none" per victim: the attack's facts with
        ``source``, ``victim``, ``accuracy`` with its 95 % interval ``low``, ``high`` (fractions) and ``images``.
    """
    right: dict[tuple[str, int, str], int] = {}
    device = next(next(iter(classifiers.values())).parameters()).device
    clean = dict.fromkeys(classifiers, 0)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size].to(device).float() / 255
        truth = labels[start : start + batch_size].to(device)
        for victim, network in classifiers.items():
            clean[victim] += int(correct(network, batch, truth).sum())
        for source, network in classifiers.items():
            for number, setting in enumerate(attacks):
                generator = torch.Generator().manual_seed(seed + start)
                crafted = ascend(setting.attack, network, batch, truth, generator=generator).images
                for victim, judge in classifiers.items():
                    key = (source, number, victim)
                    right[key] = right.get(key, 0) + int(correct(judge, crafted, truth).sum())
        logger.info("%d of %d images attacked", min(start + batch_size, len(images)), len(images))
    cells: list[dict[str, Any]] = [
        {"attack": "none", "source": None, "victim": victim, **_share(n, len(images))} for victim, n in clean.items()
    ]
    return cells + [
        {**attacks[number].facts, "source": source, "victim": victim, **_share(n, len(images))}
        for (source, number, victim), n in right.items()
    ]


def _share(right: int, images: int) -> dict[str, Any]:
    """A share with Wilson's score interval, which stays within [0, 1]."""
    low, high = binomtest(right, images).proportion_ci(method="wilson")
    return {"accuracy": right / images, "low": float(low), "high": float(high), "images": images}
