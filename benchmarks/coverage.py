"""How often intervals hold the true value: simulated corpora of pairs, and of people who all meet.

A score is the effect of the target, that of the source, one of each that a detector alone has, a detector's shift for
fakes, which differs between its trainings, and noise. The true value is the mean over corpora and trainings.
Expected before the run: 95 % for pairs, one training or five; 93 % for three trainings; less for few identities; far
less where videos are drawn although people are in many of them.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import RESULTS, machine, setting
from deepfake_adv.evaluation.bootstrap import Sample, interval, replicate
from deepfake_adv.evaluation.metrics import auc, curve
from deepfake_adv.evaluation.replicates import over_seeds
from deepfake_adv.evaluation.units import Units, find_units
from deepfake_adv.files import write_json

Row = tuple[str, str, str, str]
"""Video, forgery, target, source."""

Floats = NDArray[np.float64]


class Model(NamedTuple):
    """Standard deviations of the effects, and the mean shift of fakes."""

    person: float = 1.0
    own: float = 0.5  # of a person for one detector alone
    noise: float = 0.5
    shift: float = 1.5
    training: float = 0.3  # of the shift


MODEL = Model()


def swapped(pairs: int, forgeries: tuple[str, ...] = ("NT",)) -> list[Row]:
    """Videos as in FaceForensics++: reals i and j, fakes i_j and j_i."""
    rows: list[Row] = []
    for k in range(pairs):
        i, j = f"{2 * k:03d}", f"{2 * k + 1:03d}"
        rows += [(f"real/{name}", "real", name, "") for name in (i, j)]
        rows += [(f"{forgery}/{a}_{b}", forgery, a, b) for forgery in forgeries for a, b in ((i, j), (j, i))]
    return rows


def everyone(people: int, scenes: int = 1) -> list[Row]:
    """Videos as in DFD: everyone's face on all of everyone's scenes."""
    names = [f"{k:02d}" for k in range(people)]
    rows = [(f"real/{a}__s{s}", "real", f"{a}__s{s}", "") for a in names for s in range(scenes)]
    return rows + [
        (f"DFD/{a}_{b}__s{s}__X", "DFD", f"{a}__s{s}", b) for a in names for b in names if a != b for s in range(scenes)
    ]


def units_of(rows: list[Row], dataset: str = "d") -> Units:
    """What is drawn for them."""
    return find_units(dataset, *(list(column) for column in zip(*rows, strict=True)))


def unknown(rows: list[Row]) -> list[Row]:
    """The same videos with nobody known."""
    return [(video, forgery, "", "") for video, forgery, *_ in rows]


class Corpus:
    """One corpus drawn from the model, and scores of detectors on it.

    Args:
        rows: Its videos.
        model: The effects.
        rng: Source of the corpus and of everything that is asked of it.
    """

    def __init__(self, rows: list[Row], model: Model, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng
        people = sorted({name.split("__")[0] for row in rows for name in row[2:]} - {""})
        place = {name: k for k, name in enumerate(people)}
        self.labels = np.array([row[1] != "real" for row in rows]).astype(np.int64)
        self._sources = [place.get(row[3], len(people)) for row in rows]
        self._targets = [place[row[2].split("__")[0]] for row in rows]
        self._people = len(people)
        self._common = self._effect(model.person)

    def detector(self, trainings: int, gain: float = 0.0) -> Floats:
        """Scores of one detector's trainings, ``(trainings, videos)``."""
        own, model = self._common + self._effect(self.model.own), self.model
        shifts = (
            self.rng.normal(model.shift + gain, model.training, trainings) if trainings > 1 else [model.shift + gain]
        )
        return np.stack([own + self.rng.normal(shift * self.labels, model.noise) for shift in shifts])

    def _effect(self, deviation: float) -> Floats:
        of = np.append(self.rng.normal(0, deviation, self._people), 0.0)
        result: Floats = of[self._targets] + of[self._sources]
        return result


def auc_of(scores: Floats, labels: NDArray[np.int64]) -> float:
    """Mean AUC of the trainings."""
    return float(np.mean([auc(curve(each, labels)) for each in scores]))


def coverage(
    rows: list[Row], drawn_as: list[Row], *, trainings: int = 1, trials: int, resamples: int, model: Model = MODEL
) -> dict[str, Any]:
    """Share of 95 % intervals that hold the true AUC, and the true difference of two detectors; mean widths.

    Args:
        rows: Videos of each corpus.
        drawn_as: What is known about them.
        trainings: Seeds of each detector.
        trials: Corpora.
        resamples: Of each interval.
        model: The effects.
    """
    rng, units = np.random.default_rng(0), units_of(drawn_as)
    found: dict[str, list[tuple[float, float, float]]] = {"auc": [], "difference": []}
    for trial in range(trials):
        corpus = Corpus(rows, model, rng)
        scores = [corpus.detector(trainings, gain) for gain in (0.0, 0.3)]
        drawn = units.draw(resamples, trial)
        one, other = (
            over_seeds(
                [replicate(Sample(each, corpus.labels, np.arange(len(rows))), drawn)["auc"] for each in side], trial
            )
            for side in scores
        )
        values = [auc_of(side, corpus.labels) for side in scores]
        found["auc"].append((values[0], *interval(one, 0.95, units.count())))
        found["difference"].append((values[1] - values[0], *interval(other - one, 0.95, units.count())))
    result: dict[str, Any] = {"drawn": f"{units.count()} {units.kind}", "trainings": trainings}
    for name, rows_found in found.items():
        value, low, high = np.array(rows_found).T
        truth = value.mean()
        result[name] = {
            "covered": round(float(((low <= truth) & (truth <= high)).mean()), 3),
            "width": round(float((high - low).mean()), 4),
        }
    return result


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few trials, to see that it runs")
    parser.add_argument("--output", type=Path, default=RESULTS / "coverage.json")
    arguments = parser.parse_args()
    trials, resamples = (5, 50) if arguments.quick else (300, 300)
    corpora = {f"{n} pairs": swapped(n) for n in (6, 12, 24)} | {f"{n} people": everyone(n) for n in (8, 12, 28)}
    results = []
    for name, rows in corpora.items():
        for known in (rows, unknown(rows)):
            few = trials // 4 if len(rows) > 500 else trials
            results.append({"corpus": name, **coverage(rows, known, trials=few, resamples=resamples)})
    for trainings in (2, 3, 5):
        rows = swapped(24)
        found = coverage(rows, rows, trainings=trainings, trials=trials, resamples=resamples)
        results.append({"corpus": "24 pairs", **found})
    write_json(arguments.output, {"machine": machine("numpy"), "setting": setting(arguments), "results": results})
    for result in results:
        print(result)


if __name__ == "__main__":
    main()
