"""Adversarial examples crafted on one classifier and classified by the others; Tables VII, XII, XIII and XIV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import Attack, ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.ops.draws import rng_per_image
from deepfake_adv.parquet import Ints
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.classifiers import correct
from deepfake_adv.studies.pictures import Pictures, Pixels, as_images


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
    """Every attack of the four tables, each once.

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


@dataclass(frozen=True, eq=False)
class Transfer:
    """Attacks between classifiers.

    Attributes:
        classifiers: Name to network: images in [0, 1] to logits; in eval mode.
        pictures: What is attacked; labels are numbers of the classifiers' logits.
        settings: Attacks on each source.
        batch_size: Images per pass.
        seed: With each picture's name, seed of its random start.
    """

    classifiers: Mapping[str, nn.Module]
    pictures: Pictures
    settings: Sequence[Setting]
    batch_size: int
    seed: int

    def judge(self, places: Ints, pixels: Pixels) -> NDArray[np.bool_]:
        """Which adversarial pictures are still classified correctly, ``(n, columns)``.

        Columns: every victim on clean pictures, then, for each source and setting, every victim.
        """
        device = next(next(iter(self.classifiers.values())).parameters()).device
        images = as_images(pixels, device)
        truth = torch.from_numpy(self.pictures.labels[places]).to(device)
        names = self.pictures.names_of(places)
        found = self._judged(images, truth)
        for network in self.classifiers.values():
            for setting in self.settings:
                rng = rng_per_image(names, self.seed)
                found += self._judged(ascend(setting.attack, network, images, truth, rng=rng).images, truth)
        return np.stack(found, axis=1)

    def _judged(self, images: Tensor, truth: Tensor) -> list[NDArray[np.bool_]]:
        return [correct(judge, images, truth).cpu().numpy() for judge in self.classifiers.values()]

    def cells(self, blocks: Blocks) -> list[dict[str, Any]]:
        """Share of pictures that each victim still classifies correctly, for each source and attack.

        Returns:
            One cell per source, victim and attack, and one with attack "none" per victim: the attack's facts with
            ``source``, ``victim``, ``accuracy`` with its 95 % interval ``low``, ``high`` (fractions) and ``images``.
        """
        right = sum((figures.sum(0, dtype=np.int64) for figures in blocks), start=np.zeros((), np.int64))
        facts: list[dict[str, Any]] = [{"attack": "none", "source": None, "victim": name} for name in self.classifiers]
        for source in self.classifiers:
            for setting in self.settings:
                facts += [{**setting.facts, "source": source, "victim": victim} for victim in self.classifiers]
        return [{**fact, **_share(int(n), len(self.pictures))} for fact, n in zip(facts, right, strict=True)]


def _share(right: int, images: int) -> dict[str, Any]:
    """A share with Wilson's score interval, which stays within [0, 1]."""
    low, high = binomtest(right, images).proportion_ci(method="wilson")
    return {"accuracy": right / images, "low": float(low), "high": float(high), "images": images}
