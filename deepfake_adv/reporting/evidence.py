"""Facts of the runs for the report: training data, versions, device, detection failures."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from deepfake_adv.files import read_csv
from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, Condition
from deepfake_adv.reporting.order import place

_NOT_OURS: Final = "nothing: every video is from the datasets named"


class Fact(NamedTuple):
    """One line of the report's head."""

    name: str
    text: str


def facts(evaluations: Mapping[str, Mapping[str, Any]], own_corpus: Mapping[str, str]) -> list[Fact]:
    """The head of the report, from training records and score files."""
    records = [record for each in evaluations.values() for record in each["provenance"]["training"].values()]
    entries = [entry for each in evaluations.values() for entry in each["results"]]
    if not entries:
        return [Fact("Trained", "nothing yet; every table shows the paper's numbers alone")]
    datasets = list(dict.fromkeys(entry["dataset"] for entry in entries))
    made: dict[str, list[str]] = {}
    for name in datasets:
        if name in own_corpus:
            made.setdefault(own_corpus[name], []).append(name)
    conditions = sorted({entry["train"] for entry in entries}, key=lambda train: place(Condition.parse(train)))
    found = [
        Fact(
            "Trained",
            f"{counted(len(records), 'detector')} in {counted(len(evaluations), 'run')} on {', '.join(conditions)}",
        ),
        Fact("Tested", f"on {', '.join(datasets)}: {_sizes(entries)}"),
        Fact("Length", _lengths(records)),
        Fact("Synthetic", _made(made)),
        Fact("Device", _common(record["device"] for record in records)),
        Fact("Versions", _versions(records)),
    ]
    return [fact for fact in found if fact.text]


def synthetic(evaluations: Mapping[str, Mapping[str, Any]], own_corpus: Mapping[str, str]) -> str:
    """Which numbers are from data that this project made itself; empty where none is."""
    names = list(dict.fromkeys(entry["dataset"] for each in evaluations.values() for entry in each["results"]))
    made = [name for name in names if name in own_corpus]
    kinds = " and ".join(sorted({own_corpus[name] for name in made}))
    if made == names and made:
        return f"Every number without the word “paper” comes from {kinds}."
    return f"The numbers on {', '.join(made)} come from {kinds}." if made else ""


def _lengths(records: Sequence[Mapping[str, Any]]) -> str:
    """Steps, seeds and start of the trainings, as far as the records have them."""
    known = [record for record in records if "steps" in record]
    if not known:
        return ""
    steps = sorted({record["steps"] for record in known})
    seeds = sorted({record["seed"] for record in known})
    weights = {start for record in known for start in _starts(record["params"]["detector"])}
    return "; ".join([
        f"{steps[0]:,} to {steps[-1]:,} steps" if len(steps) > 1 else counted(steps[0], "step"),
        f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}",
        "no pretrained weights" if weights <= {None, False} else "from pretrained weights, all or some",
    ])  # fmt: skip


def _starts(detector: Mapping[str, Any]) -> Iterator[Any]:
    """What a detector's weights began as, and those of the detector of frames inside it."""
    yield from (detector.get(name) for name in ("weights", "pretrained"))
    if "frame" in detector:
        yield from _starts(detector["frame"])


def _made(own: Mapping[str, Sequence[str]]) -> str:
    """Datasets by what they are, where this project made them."""
    return "; ".join(f"{', '.join(names)}: {what}" for what, names in own.items()) or _NOT_OURS


def strengths(evaluations: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Header, and one row per run, training and test condition with likelihood ratios; empty where undefined."""
    rows = [
        [run, entry["train"], entry["dataset"], entry["test"], *_strength(entry["ratios"])]
        for run, evaluation in evaluations.items()
        for entry in evaluation["results"]
        if "ratios" in entry
    ]
    head = ["run", "train", "dataset", "test"]
    head += ["Cllr", "Cllr, interval", "least Cllr", "FPR %", "FPR, interval", "TPR %", "TPR, interval"]
    return [head, *rows] if rows else []


def _strength(ratios: Mapping[str, Any]) -> list[str]:
    cost, least, limit = ratios["cllr"], ratios["cllr_min"], ratios["threshold"] or {}
    fields = [*_written(cost, 1, 3), "" if least is None else f"{least:.3f}"]
    return fields + [text for name in ("fpr", "tpr") for text in _written(limit.get(name) or {}, 100, 1)]


def _written(number: Mapping[str, Any], scale: float, digits: int) -> tuple[str, str]:
    value, low, high = (number.get(name) for name in ("value", "low", "high"))
    between = "" if low is None or high is None else f"{scale * low:.{digits}f} to {scale * high:.{digits}f}"
    return "" if value is None else f"{scale * value:.{digits}f}", between


def pooled(condition: Condition) -> bool:
    """Whether a condition takes several forgeries or several qualities together."""
    return condition.forgery == ALL_FORGERIES or condition.quality == ALL_QUALITIES


def trainings(evaluations: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """ "<run> <condition> seed<k>" -> columns of its log, one value per epoch, NaN where there is none."""
    return {
        f"{run} {training.replace('/', ' ')}": {
            name: [float("nan") if value is None else value for value in values]
            for name, values in record["log"].items()
        }
        for run, evaluation in evaluations.items()
        for training, record in evaluation["provenance"]["training"].items()
        if record.get("log")
    }


def read_table(path: Path) -> list[list[str]]:
    """Rows of a CSV file; none where it is absent."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as stream:
        return [row for row in csv.reader(stream) if row]


def misses(faces: Path, datasets: Iterable[str]) -> list[tuple[str, str, str, int]]:
    """Frames without a detected face: dataset, action, reason, number of frames."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for path in [path for dataset in datasets if (path := faces / dataset / "misses.csv").exists()]:
        counts.update((row["dataset"], row["action"], row["reason"]) for row in read_csv(path))
    return [(*key, count) for key, count in sorted(counts.items())]


def faceless(faces: Path, datasets: Iterable[str]) -> list[dict[str, str]]:
    """Lines of videos.csv of the videos whose face was missed in too many frames, highest share first."""
    lines = [line for line in _face_lines(faces, datasets) if line["named"] == "1"]
    return sorted(lines, key=lambda line: -float(line["missed_share"]))


def crowded(faces: Path, datasets: Iterable[str]) -> list[tuple[str, int, int, int]]:
    """Videos with further faces: dataset, number of such videos, number of all its videos, tracks of further faces."""
    found: dict[str, list[int]] = {}
    for line in _face_lines(faces, datasets):
        found.setdefault(line["dataset"], []).append(int(line["others"] or 0))
    return [
        (dataset, sum(count > 0 for count in others), len(others), sum(others))
        for dataset, others in found.items()
        if any(others)
    ]


def _face_lines(faces: Path, datasets: Iterable[str]) -> Iterator[dict[str, str]]:
    for path in [path for dataset in sorted(datasets) if (path := faces / dataset / "videos.csv").exists()]:
        yield from read_csv(path)


def counted(number: int, noun: str) -> str:
    """1 run, 2 runs"""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sizes(entries: list[Mapping[str, Any]]) -> str:
    sizes = {tuple(entry["videos"].values()) + tuple(entry["frames"].values()) for entry in entries}
    videos = max(fake + real for fake, real, *_ in sizes)
    frames = max(sum(size[2:]) for size in sizes)
    return f"up to {frames:,} frames of {videos:,} videos per condition".replace(",", " ")


def _common(values: Iterable[Any]) -> str:
    return "; ".join(dict.fromkeys(str(value) for value in values if value))


def _versions(records: list[Mapping[str, Any]]) -> str:
    return _common(", ".join(f"{name} {version}" for name, version in record["versions"].items()) for record in records)
