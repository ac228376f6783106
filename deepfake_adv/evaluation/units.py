"""What the bootstrap draws: pairs or groups of identities, single identities, or videos.

A real video and the fakes on it share a scene, and a fake shares the face of its source: their scores are not
independent. So what is drawn is not a video but those whose faces are in it.

- FaceForensics++ swaps its videos in pairs, so that real i, real j and every fake of i and j depend on one another and
  on nothing else. Where swaps connect few identities, each connected group is drawn as a whole: the cluster bootstrap
  (Davison and Hinkley, Bootstrap Methods and their Application, 1997, Sec. 3.8; Field and Welsh, JRSS B 69, 2007).
- In Celeb-DF and DFD each person meets many others; nearly all are connected, and no group could be drawn. There, the
  identities are drawn, and a fake of i on j counts as often as i times as often as j: the pigeonhole bootstrap (Owen,
  Ann. Appl. Stat. 1, 2007), for two persons of one kind the vertex bootstrap (Snijders and Borgatti, Connections 22,
  1999).
  In simulations with strong effects of persons (benchmarks/coverage.py), 95 % intervals of the AUC hold it in 93 % of
  corpora with 28 identities (as many as DFD has) and in 91 % with 8 or 12, those over videos in 85 to 88 %.
- Where no identity is in two videos, where nothing is known about them, or where there are fewer than five units,
  videos are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_adv.datasets.identities import connected, identity_of
from deepfake_adv.evaluation.bootstrap import draw
from deepfake_adv.names import REAL

VIDEOS: Final = "videos"
PAIRS: Final = "identity pairs"
GROUPS: Final = "identity groups"
IDENTITIES: Final = "identities"

FEWEST: Final = 5
"""All resamples of n units together hold a mean with a chance of 1 - 2^(1 - n), which is below 95 % for four."""

_SHARE: Final = 10
"""Groups of more than two are drawn if the largest holds at most a tenth of the identities; then there are ten groups
or more."""


_LESS: Final = 2
"""Nobody is forged onto himself, so that in a resample the share of one of n identities among the fakes varies only
(n - 2) / (n - 1) times as much as how often it was drawn. Two fewer draws make up for that."""


@dataclass(frozen=True, eq=False)
class Units:
    """What is drawn in place of videos.

    Attributes:
        kind: `VIDEOS`, `PAIRS`, `GROUPS` or `IDENTITIES`.
        names: Of the units of the whole dataset, sorted.
        strata: Of each unit; each stratum is drawn on its own.
        members: ``(videos, 2)``, the units that each video belongs to; -1 where there is no second one.
    """

    kind: str
    names: tuple[str, ...]
    strata: tuple[str, ...]
    members: NDArray[np.int64]

    def draw(self, resamples: int, seed: int) -> NDArray[np.float32]:
        """How often each video is drawn, ``(resamples, videos)``: the product of how often its units are."""
        drawn = draw(self.strata, resamples, seed, fewer=_LESS if self.kind == IDENTITIES else 0)
        first, second = self.members.T
        result = drawn[:, first]
        both = second >= 0
        result[:, both] *= drawn[:, second[both]]
        return result

    def take(self, videos: NDArray[np.int64]) -> "Units":
        """The units of some videos; they are drawn as among all of the dataset."""
        return replace(self, members=self.members[videos])

    def count(self) -> int:
        """Number of units that the videos belong to."""
        return len(self._used())

    def described(self) -> dict[str, Any]:
        """What decides the draws: the kind, and all units of the strata that the videos belong to."""
        used = {self.strata[k] for k in self._used()}
        return {
            "kind": self.kind,
            "strata": {
                stratum: [name for name, own in zip(self.names, self.strata, strict=True) if own == stratum]
                for stratum in sorted(used)
            },
        }

    def _used(self) -> NDArray[np.int64]:
        used: NDArray[np.int64] = np.unique(self.members[self.members >= 0])
        return used


def find_units(
    dataset: str, videos: Sequence[str], forgeries: Sequence[str], targets: Sequence[str], sources: Sequence[str]
) -> Units:
    """Find what to draw for the videos of a dataset, one entry each.

    Strata keep the number of reals and fakes in a resample nearly constant: units with a fake, and those without.
    Videos that are units of their own are drawn within their forgery.

    Args:
        dataset: Its name; datasets are drawn independently of one another.
        videos: Names, distinct.
        forgeries: Of each video, "real" for reals.
        targets: Identity or video whose head and background are seen; empty where unknown.
        sources: Identity whose face is put onto it; empty where unknown, and for reals.
    """
    rows = zip(videos, targets, sources, strict=True)
    # the name of a video may be another's target as well: NUL, which no name holds, keeps them apart
    people = [
        sorted({identity_of(name) for name in (target, source) if name}) or [f"\0{video}"]
        for video, target, source in rows
    ]
    groups = connected(people)
    together: dict[str, int] = {}
    for group in groups.values():
        together[group] = together.get(group, 0) + 1
    largest = max(together.values(), default=1)
    whole = 1 < largest <= max(2, len(groups) / _SHARE)
    if (largest == 1 and len(groups) == len(videos)) or len(together if whole else groups) < FEWEST:
        kind, of = VIDEOS, [[video] for video in videos]
    elif whole:
        kind, of = (PAIRS if largest == 2 else GROUPS), [[groups[names[0]]] for names in people]
    else:
        kind, of = IDENTITIES, people
    stratum: dict[str, str] = {}
    for names, forgery in zip(of, forgeries, strict=True):
        for name in names:
            if kind == VIDEOS:
                stratum[name] = forgery
            elif forgery != REAL or name not in stratum:
                stratum[name] = REAL if forgery == REAL else "fake"
    ordered = sorted(stratum)
    place = {name: k for k, name in enumerate(ordered)}
    members = np.array([[place[names[0]], place[names[-1]] if len(names) > 1 else -1] for names in of], dtype=np.int64)
    return Units(kind, tuple(ordered), tuple(f"{dataset}/{stratum[name]}" for name in ordered), members.reshape(-1, 2))
