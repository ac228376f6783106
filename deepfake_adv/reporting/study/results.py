"""Compact results of a study: per run a file small enough for git, from which every test can be made again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_adv.evaluation.readers import Measured
from deepfake_adv.files import read_json_object


@dataclass(frozen=True)
class TrainTest:
    """One training condition tested on one condition; `dataset` is the paper's name where params give it a role."""

    train: str
    test: str
    dataset: str


@dataclass(frozen=True)
class Found:
    """AUC of one method in one cell, points: of each seed, and without each group of identities, ``(S, P)``."""

    seeds: tuple[int, ...]
    groups: tuple[str, ...]
    measured: Measured


class Results:
    """Results of the study's runs by method and cell.

    Args:
        folder: reports/study/results; files of runs that are not in `runs` are ignored.
        runs: Run name -> (method entry, detector entry).
        detector: The detector whose runs count.
        roles: The paper's datasets -> this project's names.

    Raises:
        ValueError: If a file is damaged, or two runs claim the same method and cell.
    """

    def __init__(
        self, folder: Path, runs: Mapping[str, tuple[str, str]], *, detector: str, roles: Mapping[str, str]
    ) -> None:
        names = {ours: paper for paper, ours in roles.items()}
        self.missing: list[str] = []
        self.files: dict[str, dict[str, Any]] = {}
        self._found: dict[tuple[str, TrainTest], Found] = {}
        for run, (method, own) in runs.items():
            path = folder / f"{run}.json"
            if own != detector:
                continue
            if not path.exists():
                self.missing.append(run)
                continue
            self.files[run] = content = read_json_object(path, {"results": list})
            for entry in content["results"]:
                cell = TrainTest(entry["train"], entry["test"], names.get(entry["dataset"], entry["dataset"]))
                if (method, cell) in self._found:
                    raise ValueError(
                        f"{method} must be measured once on {cell.train} to {cell.test}; got it from two runs, {run} "
                        "one of them. Give a variant an entry of its own in `methods`."
                    )
                self._found[method, cell] = Found(
                    tuple(entry["seeds"]),
                    tuple(entry["groups"]),
                    Measured(100 * np.array(entry["auc"]), 100 * np.array(entry["left_out"])),
                )

    def methods(self) -> list[str]:
        """Methods with a result, in the order of the runs."""
        return list(dict.fromkeys(method for method, _ in self._found))

    def find(self, method: str, cell: TrainTest) -> Found | None:
        """A method in one cell."""
        return self._found.get((method, cell))

    def mean(self, method: str, cells: Sequence[TrainTest], seeds: Iterable[int] | None = None) -> Found | None:
        """Mean of a method over cells, of the seeds that all have; None where a cell is missing.

        Args:
            method: `methods` entry.
            cells: All of the same identities.
            seeds: Those to keep; None: all.

        Raises:
            ValueError: If the cells' identities differ.
        """
        found = [self.find(method, cell) for cell in cells]
        if any(each is None for each in found):
            return None
        parts = [each for each in found if each is not None]
        if len({part.groups for part in parts}) > 1:
            raise ValueError(
                f"cells of one mean must be tested on the same identities; those of {method} are not. "
                "Take cells of one dataset."
            )
        common = set.intersection(*(set(part.seeds) for part in parts), *([set(seeds)] if seeds is not None else []))
        chosen = [_only(part, sorted(common)) for part in parts]
        values = np.mean([part.values for part in chosen], axis=0)
        return Found(
            tuple(sorted(common)),
            parts[0].groups,
            Measured(values, np.mean([part.left_out for part in chosen], axis=0)),
        )

    def difference(self, ours: str, other: str, cells: Sequence[TrainTest]) -> Found | None:
        """`ours` minus `other`, of the seeds that both have; None where one lacks a cell or they share no seed."""
        both = self.mean(ours, cells), self.mean(other, cells)
        if both[0] is None or both[1] is None or both[0].groups != both[1].groups:
            return None
        common = sorted(set(both[0].seeds) & set(both[1].seeds))
        if not common:
            return None
        return Found(tuple(common), both[0].groups, _only(both[0], common).minus(_only(both[1], common)))


def _only(found: Found, seeds: Sequence[int]) -> Measured:
    rows = [found.seeds.index(seed) for seed in seeds]
    return Measured(found.measured.values[rows], found.measured.left_out[rows])
