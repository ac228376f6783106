"""Trained detectors under degradation and under attack, batch by batch: beyond the paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfake_adv.attacks.ascent import Attack, ascend
from deepfake_adv.detectors.base import fake_probability
from deepfake_adv.evaluation.metrics import accuracy, auc, curve
from deepfake_adv.ops.checks import check_kernel_size
from deepfake_adv.ops.draws import rng_per_image
from deepfake_adv.parquet import Ints
from deepfake_adv.studies.blocks import Blocks
from deepfake_adv.studies.degrade import CRF, DEGRADATIONS, FILTERS, blur_window, encode_video
from deepfake_adv.studies.pictures import Pictures, Pixels, as_images


class Version(NamedTuple):
    """One version of every picture: degraded at a level (by its number), or attacked through a source."""

    name: str
    level: int | None = None
    source: str | None = None


CLEAN: Final = Version("none")


@dataclass(frozen=True, eq=False)
class Robustness:
    """Degradations and attacks of pictures, and the detectors that score them.

    Attributes:
        detectors: Run name to detector, all of one image size and in eval mode.
        pictures: Test crops of one condition.
        levels: Names of `DEGRADATIONS` to their levels.
        attacks: A label to the attack; each is made against each detector.
        batch_size: Images per pass.
        seed: With each picture's name, seed of its noise and random starts.
    """

    detectors: Mapping[str, nn.Module]
    pictures: Pictures
    levels: Mapping[str, Sequence[float]]
    attacks: Mapping[str, Attack]
    batch_size: int
    seed: int

    def check(self) -> None:
        """Check, before anything is computed, that the pictures are large enough for every blur window.

        Raises:
            ValueError: If a blur's window is larger than they are.
        """
        side = self.pictures.size
        for level in self.levels.get("blur", ()):
            check_kernel_size(blur_window(level) if level else 1, side, side)
        for attack in self.attacks.values():
            attack.check_size(side, side)

    def degraded(self) -> list[Version]:
        """The degraded versions, in the order of the tables."""
        return [Version(name, number) for name in DEGRADATIONS for number in range(len(self.levels.get(name, ())))]

    def attacked(self) -> list[Version]:
        """The clean pictures and the attacked versions, in the order of the tables."""
        return [CLEAN, *(Version(label, source=source) for label in self.attacks for source in self.detectors)]

    def prepare(self, places: Ints) -> list[Pixels]:
        """Pixels of some pictures, then the same in a video encoded at each level of `CRF`.

        A video that reaches beyond the batch is encoded whole, as its frames are coded together.
        """
        assert self.pictures.videos is not None
        levels = self.levels.get(CRF, ())
        clean = self.pictures.decode(places)
        coded = [np.empty_like(clean) for _ in levels]
        for video in np.unique(self.pictures.videos[places]) if levels else ():
            frames = np.flatnonzero(self.pictures.videos == video)
            _, inside, room = np.intersect1d(frames, places, assume_unique=True, return_indices=True)
            pixels = self.pictures.decode(frames)
            for out, level in zip(coded, levels, strict=True):
                out[room] = encode_video(pixels, int(level))[inside]
        return [clean, *coded]

    def score(self, places: Ints, prepared: Sequence[Pixels]) -> NDArray[np.float64]:
        """P(fake) of each picture in each version by each detector, ``(n, versions x detectors)``."""
        found = {kind: self._judge(images) for kind, images in self._versions(places, prepared)}
        return np.stack([scores for kind in self._kinds() for scores in found[kind]], axis=1)

    def _kinds(self) -> list[Version]:
        return self.degraded() + self.attacked()

    def _versions(self, places: Ints, prepared: Sequence[Pixels]) -> Iterator[tuple[Version, Tensor]]:
        """The images of each version, one version at a time."""
        device = next(next(iter(self.detectors.values())).parameters()).device
        names = self.pictures.names_of(places)
        clean = as_images(prepared[0], device)
        yield CLEAN, clean
        for name, degrade in FILTERS.items():
            for number, level in enumerate(self.levels.get(name, ())):
                yield Version(name, number), degrade(clean, level, rng_per_image(names, self.seed))
        for number, pixels in enumerate(prepared[1:]):
            yield Version(CRF, number), as_images(pixels, device)
        truth = torch.from_numpy(self.pictures.labels[places]).to(device)
        for kind in self.attacked()[1:]:
            assert kind.source is not None
            attack, network = self.attacks[kind.name], self.detectors[kind.source]
            rng = rng_per_image(names, self.seed)
            yield kind, ascend(attack, network, clean, truth, rng=rng).images

    @torch.no_grad()
    def _judge(self, images: Tensor) -> list[NDArray[np.float64]]:
        return [fake_probability(detector(images)).cpu().numpy() for detector in self.detectors.values()]

    def curves(self, blocks: Blocks) -> list[dict[str, Any]]:
        """AUC (%) of each detector at each level of each degradation."""
        return [
            {"run": run, "degradation": name, "level": self.levels[name][number], "auc": self._auc(scores)}
            for (name, number, _), run, scores in self._columns(blocks, self.degraded())
            if number is not None
        ]

    def transfer(self, blocks: Blocks) -> list[dict[str, Any]]:
        """AUC and accuracy (%) of each detector on examples crafted on each: the diagonal is the white box."""
        rows = []
        for kind, victim, scores in self._columns(blocks, self.attacked()):
            share = accuracy(scores, self.pictures.labels)
            row = {"attack": kind.name, "source": kind.source, "victim": victim}
            rows.append({**row, "auc": self._auc(scores), "acc": 100 * share})
        return rows

    def _columns(self, blocks: Blocks, kinds: Sequence[Version]) -> Iterator[tuple[Version, str, NDArray[np.float64]]]:
        numbers = {kind: number for number, kind in enumerate(self._kinds())}
        for kind in kinds:
            for number, run in enumerate(self.detectors, start=numbers[kind] * len(self.detectors)):
                yield kind, run, blocks.column(number)

    def _auc(self, scores: NDArray[np.float64]) -> float:
        return 100 * auc(curve(scores, self.pictures.labels))
