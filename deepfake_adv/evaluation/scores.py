"""Score files: from rows of frames to test sets of frames and of videos.

A test set pairs the fakes of one or more forgeries with all reals of the same dataset and
quality; reals that have no fakes there are a test set of their own. A frame without a finite
score is left out and counted. A video's score is the mean of its scored frames; a video without
any scores 0.5 and is counted too.
Intervals draw identities where the columns `target` and `source` name them (`evaluation/units.py`). Files of earlier
versions lack `source`; of these, videos are drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfake_adv.evaluation.bootstrap import Sample
from deepfake_adv.evaluation.units import Units, find_units
from deepfake_adv.files import fingerprint
from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, FF_FORGERIES, REAL, REAL_LABEL, TESTED, Condition
from deepfake_adv.parquet import parquet_errors

NO_SCORE: Final = 0.5
_PEOPLE: Final = ("target", "source")
_NAMES: Final = ("train_condition", "dataset", "quality", "forgery", "video", *_PEOPLE)
COLUMNS: Final = (*(name for name in _NAMES if name not in _PEOPLE), "seed", "label", "score")

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Columns of a score file; names as codes into sorted lists.

    `wanted` are the test conditions that the frames were chosen for; None for all that they allow.
    """

    names: dict[str, list[str]]
    codes: dict[str, Codes]
    seed: Codes
    label: Codes
    score: NDArray[np.float64]
    wanted: tuple[str, ...] | None = None

    def present(self, column: str, rows: NDArray[np.bool_]) -> list[str]:
        """Values of a column among `rows`, sorted."""
        return [self.names[column][k] for k in np.unique(self.codes[column][rows])]

    def is_in(self, column: str, values: tuple[str, ...]) -> NDArray[np.bool_]:
        """Rows whose column is one of `values`."""
        wanted = [k for k, name in enumerate(self.names[column]) if name in values]
        return np.isin(self.codes[column], wanted)


@dataclass(frozen=True)
class TestSet:
    """One detector's frames on one test condition, for every seed it was trained with.

    Attributes:
        train: Condition that the detector was trained on.
        dataset: Dataset of the test.
        test: Condition of the test.
        frames: By seed; clusters are the videos in the order of `names`.
        videos: By seed, one item per video and quality.
        lost_frames: Frames without a finite score, of all seeds.
        lost_videos: Videos without any scored frame, of all seeds.
        names: The videos.
        units: What is drawn for intervals.
        fingerprint: Identifies the videos and their draws, so that only detectors tested on the same are compared.
    """

    train: str
    dataset: str
    test: Condition
    frames: dict[int, Sample]
    videos: dict[int, Sample]
    lost_frames: int
    lost_videos: int
    names: tuple[str, ...]
    units: Units
    fingerprint: str

    __test__ = False  # not a test class, whatever pytest thinks of the name


def read_scores(path: Path) -> Scores:
    """Read data/scores/<run>.parquet.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no parquet file, a column is missing, it is empty or a real is labelled fake.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path} must be a file of scores; found nothing. Run the score stage first.")
    with parquet_errors(path, "file of scores", "run `dvc repro score`"):
        present = pq.ParquetFile(path).schema_arrow.names
    missing = [name for name in COLUMNS if name not in present]
    if missing:
        wanted, lost = ", ".join(COLUMNS), ", ".join(missing)
        raise ValueError(f"{path} must have the columns {wanted}; got none of {lost}. Score again.")
    texts = [name for name in _NAMES if name in present]
    with parquet_errors(path, "file of scores", "run `dvc repro score`"):
        file = pq.ParquetFile(path, read_dictionary=texts)  # read_table would load pandas as well
        table = file.read(columns=[*texts, "seed", "label", "score"])
        chosen = (file.schema_arrow.metadata or {}).get(TESTED.encode())
    scores = to_scores(table, str(path))
    return scores if chosen is None else replace(scores, wanted=tuple(chosen.decode().split()))


def to_scores(table: pa.Table, name: str = "scores") -> Scores:
    """Take the columns of an Arrow table; target and source count as unknown unless both are there.

    Raises:
        ValueError: If there are no rows, or labels and forgeries disagree.
    """
    if not table.num_rows:
        raise ValueError(f"{name} must have rows; got none. See whether the manifest has test rows.")
    names: dict[str, list[str]] = {}
    codes: dict[str, Codes] = {}
    people = set(_PEOPLE) <= set(table.column_names)
    for column in _NAMES:
        if column in _PEOPLE and not people:
            names[column], codes[column] = [""], np.zeros(table.num_rows, dtype=np.int64)
            continue
        chunk = table[column]
        if column in _PEOPLE and chunk.null_count:
            chunk = chunk.cast(pa.string()).fill_null("")
        chunk = chunk.combine_chunks()
        encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        values = encoded.dictionary.to_pylist()
        order = sorted(range(len(values)), key=values.__getitem__)
        rank = np.empty(len(values), dtype=np.int64)
        rank[order] = np.arange(len(values))
        names[column], codes[column] = [values[k] for k in order], rank[_numbers(encoded.indices, pa.int64())]
    label = _numbers(table["label"].combine_chunks(), pa.int64())
    real = np.array([forgery == REAL for forgery in names["forgery"]])[codes["forgery"]]
    wrong = int((real != (label == REAL_LABEL)).sum())
    if wrong:
        raise ValueError(f"{name} must label reals 0 and all others 1; got {wrong} rows that differ. Score again.")
    score = _numbers(table["score"].combine_chunks().fill_null(float("nan")), pa.float64())
    return Scores(names, codes, _numbers(table["seed"].combine_chunks(), pa.int64()), label, score)


def _numbers(array: pa.Array, kind: pa.DataType) -> NDArray[Any]:
    """An Arrow array without nulls as NumPy; Arrow's own `to_numpy` loads pandas, a third of the start-up."""
    cast = array.cast(kind)
    dtype = np.dtype(np.float64 if pa.types.is_floating(kind) else np.int64)
    return np.frombuffer(cast.buffers()[1], dtype=dtype, count=len(cast), offset=cast.offset * dtype.itemsize)


def all_test_sets(scores: Scores) -> Iterator[TestSet]:
    """Every test condition that the rows allow: forgery x quality, qualities pooled, FF pooled; reals without fakes.

    Where the frames were chosen for some conditions, these alone: others would lack some of their videos.
    """
    everything = np.ones(len(scores.score), dtype=bool)
    for train in scores.present("train_condition", everything):
        trained = scores.is_in("train_condition", (train,))
        for dataset in scores.present("dataset", trained):
            rows = trained & scores.is_in("dataset", (dataset,))
            units = dataset_units(scores, np.flatnonzero(rows), dataset)
            present = scores.present("forgery", rows), scores.present("quality", rows)
            for condition in [*conditions(*present), *_alone(scores, rows)]:
                if scores.wanted is not None and str(condition) not in scores.wanted:
                    continue
                chosen = rows & scores.is_in("forgery", (REAL, *condition.forgeries()))
                if condition.quality != ALL_QUALITIES:
                    chosen &= scores.is_in("quality", (condition.quality,))
                fakes = chosen & (scores.label != REAL_LABEL)
                if fakes.any() or condition.forgery == REAL:
                    yield make_test_set(scores, np.flatnonzero(chosen), units, train, dataset, condition)


def conditions(forgeries: list[str], qualities: list[str]) -> list[Condition]:
    """Test conditions from what a dataset has; pooled ones only where they pool something."""
    fakes = [forgery for forgery in forgeries if forgery != REAL]
    if set(map(str, FF_FORGERIES)) <= set(fakes):
        fakes.append(ALL_FORGERIES)
    tiers = [*qualities, ALL_QUALITIES] if len(qualities) > 1 else qualities
    return [Condition(forgery, quality) for forgery in fakes for quality in tiers]


def _alone(scores: Scores, rows: NDArray[np.bool_]) -> list[Condition]:
    """Conditions of reals that are paired with no fake: of a quality that has none, and pooled where no quality has."""
    qualities = scores.present("quality", rows)
    forged = scores.present("quality", rows & (scores.label != REAL_LABEL))
    bare = [quality for quality in qualities if quality not in forged]
    tiers = [*bare, ALL_QUALITIES] if len(bare) > 1 and not forged else bare
    return [Condition(REAL, quality) for quality in tiers]


class DatasetUnits(NamedTuple):
    """The units of a dataset, and the place of each video among them by its code."""

    units: Units
    place: Codes


def dataset_units(scores: Scores, rows: Codes, dataset: str) -> DatasetUnits:
    """What to draw for the videos of some rows, which should be all of a dataset, so that its test sets share draws."""
    video = scores.codes["video"][rows]
    present, first = np.unique(video, return_index=True)
    columns = [
        [scores.names[name][k] for k in scores.codes[name][rows[first]]]
        for name in ("video", "forgery", "target", "source")
    ]
    place = np.full(len(scores.names["video"]), -1, dtype=np.int64)
    place[present] = np.arange(len(present))
    return DatasetUnits(find_units(dataset, *columns), place)


def make_test_set(
    scores: Scores,
    rows: Codes,
    whole: DatasetUnits,
    train: str,
    dataset: str,
    condition: Condition,
    no_score: float = NO_SCORE,
) -> TestSet:
    """Rows as one test set.

    Args:
        scores: The scores.
        rows: Which of them.
        whole: Units of the dataset.
        train: See `TestSet`.
        dataset: See `TestSet`.
        condition: See `TestSet`.
        no_score: Score of a video without any.
    """
    videos, cluster = np.unique(scores.codes["video"][rows], return_inverse=True)
    units = whole.units.take(whole.place[videos])
    item = cluster * len(scores.names["quality"]) + scores.codes["quality"][rows]  # a video at one quality
    frames, means, lost_frames, lost_videos = {}, {}, 0, 0
    for seed in np.unique(scores.seed[rows]):
        mine = np.flatnonzero(scores.seed[rows] == seed)
        score, label = scores.score[rows][mine], scores.label[rows][mine]
        finite = np.isfinite(score)
        frames[int(seed)] = Sample(score[finite], label[finite], cluster[mine][finite])
        means[int(seed)], unscored = _video_means(score, label, cluster[mine], item[mine], no_score)
        lost_frames += int((~finite).sum())
        lost_videos += unscored
    names = tuple(scores.names["video"][k] for k in videos)
    digest = fingerprint([dataset, names, units.described()])
    return TestSet(train, dataset, condition, frames, means, lost_frames, lost_videos, names, units, digest)


def _video_means(
    score: NDArray[np.float64], label: Codes, cluster: Codes, item: Codes, no_score: float
) -> tuple[Sample, int]:
    _, first, inverse = np.unique(item, return_index=True, return_inverse=True)
    finite = np.isfinite(score)
    scored = np.bincount(inverse[finite], minlength=len(first))
    total = np.bincount(inverse[finite], weights=score[finite], minlength=len(first))
    mean = np.where(scored > 0, total / np.maximum(scored, 1), no_score)
    return Sample(mean, label[first], cluster[first]), int((scored == 0).sum())
