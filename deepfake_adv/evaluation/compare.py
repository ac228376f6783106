"""Two detectors on the same videos: what `deepfake-adv compare` does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.bootstrap import Sample, replicate
from deepfake_adv.evaluation.delong import delong_test
from deepfake_adv.evaluation.paired import bootstrap_difference
from deepfake_adv.evaluation.replicates import over_seeds
from deepfake_adv.evaluation.run import LEVELS, Settings, number
from deepfake_adv.evaluation.score_table import read_score_table
from deepfake_adv.evaluation.scores import TestSet, all_test_sets, read_scores
from deepfake_adv.evaluation.units import VIDEOS
from deepfake_adv.suggestions import did_you_mean

FORMAT: Final = 1
SCORES: Final = Path("data/scores")
COMPARED: Final = ("auc", "ap", "eer", "acc")
_NAMED: Final = 20


class Side(NamedTuple):
    """One of the two: its name, its test sets, and whether it is a table of scores, which is one test set."""

    name: str
    sets: list[TestSet]
    table: bool
    probabilities: bool = True


def load_side(given: str) -> Side:
    """Read a table of scores (.csv), a run's score file (.parquet), or the score file of a run that is named.

    Raises:
        FileNotFoundError: If there is no such file or run.
        ValueError: If the file is not as it must be.
    """
    path = Path(given)
    if path.suffix.lower() == ".parquet":
        return Side(given, list(all_test_sets(read_scores(path))), table=False)
    if path.suffix or path.exists() or path.parent != Path():
        table = read_score_table(path)
        return Side(given, [table.test_set()], table=True, probabilities=table.probabilities)
    path = SCORES / f"{given}.parquet"
    if not path.exists():
        known = sorted(each.stem for each in SCORES.glob("*.parquet"))
        hint = did_you_mean(given, known, f"Scores are known of {', '.join(known) or 'no run'}.")
        raise FileNotFoundError(f"{given} must be a .csv or .parquet file, or a run with {path}; found none.{hint}")
    return Side(given, list(all_test_sets(read_scores(path))), table=False)


def compare(first: Side, second: Side, settings: Settings) -> dict[str, Any]:
    """Differences, second minus first, on every test set of both; of each, the videos that both have.

    A table is compared with each test set of a run, on the videos whose names both have. Runs that have one training
    condition each are compared whatever it is, others where it is the same.

    Raises:
        ValueError: If they share no test set or video, or differ in a label.
    """
    results = [_compare(one, other, settings, first, second) for one, other in _matched(first, second)]
    results = [each for each in results if each["videos"]["both"]]
    if not results:
        raise ValueError(
            f"{first.name} and {second.name} must share videos of one test; got none. They hold "
            f"{_examples(first)} and {_examples(second)}. Name videos alike, as <forgery>/<video> in a run's scores."
        )
    return {
        "format": FORMAT,
        "first": first.name,
        "second": second.name,
        "settings": settings._asdict(),
        "difference": "second minus first",
        "results": results,
    }


def _matched(first: Side, second: Side) -> list[tuple[TestSet, TestSet]]:
    pairs = [(one, other) for one in first.sets for other in second.sets]
    if first.table or second.table:
        return pairs
    several = any(len({each.train for each in side.sets}) > 1 for side in (first, second))
    return [
        (one, other)
        for one, other in pairs
        if (one.dataset, one.test) == (other.dataset, other.test) and (one.train == other.train or not several)
    ]


def _examples(side: Side) -> str:
    names = [name for test in side.sets for name in test.names]
    return ", ".join(list(dict.fromkeys(names))[:3])


def _compare(one: TestSet, other: TestSet, settings: Settings, first: Side, second: Side) -> dict[str, Any]:
    both = sorted(set(one.names) & set(other.names))
    only = [sorted(set(test.names) - set(both)) for test in (one, other)]
    shown = other if first.table else one
    result: dict[str, Any] = {
        "train": [one.train, other.train],
        "dataset": shown.dataset,
        "test": "" if first.table and second.table else str(shown.test),
        "seeds": [sorted(one.frames), sorted(other.frames)],
        "videos": {
            "both": len(both),
            "only_first": len(only[0]),
            "only_second": len(only[1]),
            "only_first_named": only[0][:_NAMED],
            "only_second_named": only[1][:_NAMED],
        },
    }
    if not both:
        return result
    sides = [restrict(test, both) for test in (one, other)]
    _check_labels(sides, first.name, second.name)
    units = next((side.units for side in sides if side.units.kind != VIDEOS), sides[0].units)
    result["drawn"] = {"kind": units.kind, "count": units.count()}
    result["missing"] = [{"rows": side.lost_frames, "videos": side.lost_videos} for side in (one, other)]
    drawn = units.draw(settings.resamples, settings.seed)
    names = [name for name in COMPARED if name != "acc" or (first.probabilities and second.probabilities)]
    for level in LEVELS if any(map(_has_frames, sides)) else LEVELS[1:]:
        samples = [list((side.frames if level == "frame" else side.videos).values()) for side in sides]
        result[level] = _differences(samples, drawn, units.count(), settings, names)
    result["delong"] = _delong(sides)
    return result


def restrict(test: TestSet, names: Sequence[str]) -> TestSet:
    """A test set's scores of some of its videos, in the order of `names`."""
    code = {name: k for k, name in enumerate(test.names)}
    kept = np.array([code[name] for name in names], dtype=np.int64)
    place = np.full(len(test.names), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))

    def taken(sample: Sample) -> Sample:
        inside = place[sample.cluster] >= 0
        return Sample(sample.scores[inside], sample.labels[inside], place[sample.cluster[inside]])

    return replace(
        test,
        frames={seed: taken(sample) for seed, sample in test.frames.items()},
        videos={seed: taken(sample) for seed, sample in test.videos.items()},
        names=tuple(names),
        units=test.units.take(kept),
    )


def _check_labels(sides: list[TestSet], first: str, second: str) -> None:
    labels = []
    for side in sides:
        sample = next(iter(side.videos.values()))
        of = np.zeros(len(side.names), dtype=np.int64)
        of[sample.cluster] = sample.labels
        labels.append(of)
    wrong = np.flatnonzero(labels[0] != labels[1])
    if len(wrong):
        name = sides[0].names[wrong[0]]
        said = ["fake" if each[wrong[0]] else "real" for each in labels]
        raise ValueError(
            f"labels of one video must be equal; got {name} {said[0]} in {first} and {said[1]} in {second}, and "
            f"{len(wrong) - 1} more. Correct the wrong one."
        )


def _has_frames(test: TestSet) -> bool:
    return any(len(test.frames[seed].scores) > len(test.videos[seed].scores) for seed in test.frames)


def _differences(
    samples: list[list[Sample]], drawn: NDArray[np.float32], units: int, settings: Settings, names: Sequence[str]
) -> dict[str, Any]:
    points = [[metrics.all_metrics(sample.scores, sample.labels) for sample in side] for side in samples]
    resampled = [[replicate(sample, drawn) for sample in side] for side in samples] if settings.resamples else []
    found = {}
    for name in names:
        values = [float(np.mean([point[name] for point in side])) for side in points]
        found[name] = {"first": number(values[0]), "second": number(values[1]), "value": number(values[1] - values[0])}
        if resampled:
            ours, theirs = (over_seeds([each[name] for each in side], settings.seed) for side in resampled)
            difference = bootstrap_difference(values[1] - values[0], theirs, ours, settings.confidence, units)
            found[name] |= {"low": number(difference.low), "high": number(difference.high), "p": number(difference.p)}
    return found


def _delong(sides: list[TestSet]) -> dict[str, Any]:
    """DeLong's test on videos; None with the reason where the two do not have the same."""
    samples = [sample for side in sides for sample in side.videos.values()]
    one = samples[0]
    if any(len(other.cluster) != len(one.cluster) or (other.cluster != one.cluster).any() for other in samples):
        return {"p": None, "reason": "videos are at other qualities"}
    first, second = (np.stack([sample.scores for sample in side.videos.values()]) for side in sides)
    test = delong_test(first, second, one.labels)
    if not np.isfinite(test.p):
        return {"p": None, "reason": "there are not two reals and two fakes"}
    return {"value": number(test.value), "deviation": number(test.deviation), "z": number(test.z), "p": number(test.p)}


def as_text(compared: dict[str, Any]) -> str:
    """A result of `compare` for people: AUC in percent, with what only one of the two has."""
    settings = compared["settings"]
    lines = [
        f"First: {compared['first']}. Second: {compared['second']}. AUC in percent; difference is second minus first,",
        f"with its {100 * settings['confidence']:g} % interval and p from {settings['resamples']} paired resamples. "
        "DeLong's p takes videos as independent.",
        "",
    ]
    rows = []
    for result in compared["results"]:
        trained = " / ".join(dict.fromkeys(filter(None, result["train"])))
        test = " of ".join(filter(None, (result["test"], result["dataset"])))
        for level in LEVELS:
            if level in result:
                rows.append([trained, test, level, *_columns(result, level)])
    head = ["trained on", "tested on", "per", "first", "second", "difference", "p", "DeLong p", "drawn"]
    kept = [k for k in range(len(head)) if any(row[k] for row in rows)]
    lines.append(
        tabulate([[row[k] for k in kept] for row in rows], headers=[head[k] for k in kept], disable_numparse=True)
    )
    return "\n".join([*lines, "", *_left_out(compared)])


def _columns(result: dict[str, Any], level: str) -> list[str]:
    auc = result[level]["auc"]
    shown = ["undefined" if auc[name] is None else f"{100 * auc[name]:.2f}" for name in ("first", "second", "value")]
    if auc.get("low") is not None:
        shown[2] = f"{100 * auc['value']:+.2f} [{100 * auc['low']:+.2f}, {100 * auc['high']:+.2f}]"
    p = "" if auc.get("p") is None else f"{auc['p']:.3f}"
    delong = result["delong"]["p"]
    drawn = f"{result['drawn']['count']} {result['drawn']['kind']}"
    return [*shown, p, f"{delong:.3f}" if level == "video" and delong is not None else "", drawn]


def _left_out(compared: dict[str, Any]) -> list[str]:
    """Videos that only one has, and scores that are missing, said once for tests with the same."""
    said: dict[str, list[str]] = {}
    for result in compared["results"]:
        test = result["test"] or "All rows"
        videos = result["videos"]
        text = f"{videos['both']} videos compared"
        for which in ("first", "second"):
            if count := videos[f"only_{which}"]:
                names = ", ".join(videos[f"only_{which}_named"][:3])
                text += f"; {count} only the {which} has, such as {names}"
        for which, lost in zip(("first", "second"), result["missing"], strict=True):
            if lost["rows"]:
                text += f"; the {which} lacks {lost['rows']} scores, and all of {lost['videos']} videos"
        said.setdefault(text, []).append(test)
    return [f"{', '.join(dict.fromkeys(tests))}: {text}." for text, tests in said.items()]
