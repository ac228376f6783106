"""Tables of scores from elsewhere: a CSV file with a row per video, or per frame."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from deepfake_adv.datasets.tables import LABELS, read_table
from deepfake_adv.evaluation.score_lines import check_lines, score_of
from deepfake_adv.evaluation.scores import NO_SCORE, Codes, Scores, TestSet, dataset_units, make_test_set
from deepfake_adv.names import ALL_FORGERIES, ALL_QUALITIES, FAKE_LABEL, REAL, Condition

EVERYTHING: Final = Condition(ALL_FORGERIES, ALL_QUALITIES)


class ScoreTable(NamedTuple):
    """A table of scores.

    Attributes:
        path: The file.
        scores: Its rows; those without a score have NaN.
        probabilities: Whether all scores are in [0, 1].
        frames: Whether a video has several rows.
        fields: Of each row, by column.
    """

    path: Path
    scores: Scores
    probabilities: bool
    frames: bool
    fields: Sequence[Mapping[str, str]]

    @property
    def missing(self) -> int:
        """Rows without a score."""
        return int((~np.isfinite(self.scores.score)).sum())

    @property
    def no_score(self) -> float:
        """Score of a video without any, which says nothing: 0.5, or the median where scores are no probabilities."""
        return NO_SCORE if self.probabilities else float(np.nanmedian(self.scores.score))

    def test_set(self, rows: Codes | None = None) -> TestSet:
        """Some rows as a test set; None: all of them. Identities are drawn as among all rows."""
        everything = np.arange(len(self.fields))
        units = dataset_units(self.scores, everything, "")
        chosen = everything if rows is None else rows
        return make_test_set(self.scores, chosen, units, "", "", EVERYTHING, self.no_score)


def read_score_table(path: Path) -> ScoreTable:
    """Read a table with the columns of `evaluation/score_lines.py`; other columns are kept in `fields` alone.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such table; names the columns, or the wrong lines, up to 20.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} must be a table of scores; found nothing. Name a CSV file.")
    if path.suffix.lower() == ".parquet":
        raise ValueError(
            f"{path} must be a CSV file; got parquet. A run's scores are measured by `dvc repro evaluate`, and "
            "`deepfake-adv compare` reads them."
        )
    table = read_table(path)
    check_lines(path, table)
    fields = [line.fields for line in table.lines]
    scores = _scores(fields)
    known = scores.score[np.isfinite(scores.score)]
    if not len(known):
        raise ValueError(f"{path} must have a score; got none in {len(fields)} rows. Fill the column score.")
    inside = bool(((known >= 0) & (known <= 1)).all())
    return ScoreTable(path, scores, inside, len({row["video"] for row in fields}) < len(fields), fields)


def _scores(fields: Sequence[Mapping[str, str]]) -> Scores:
    """As of a run's file: one training condition, dataset and quality. Made without Arrow, which would load pandas."""
    labels = [LABELS[row["label"].lower()] for row in fields]
    forgeries = [
        row.get("forgery", "fake") if label == FAKE_LABEL else REAL for row, label in zip(fields, labels, strict=True)
    ]
    nothing = [""] * len(fields)
    columns: dict[str, list[str]] = {
        "train_condition": nothing,
        "dataset": nothing,
        "quality": nothing,
        "forgery": forgeries,
        **{name: [row.get(name, "") for row in fields] for name in ("video", "target", "source")},
    }
    names = {name: sorted(set(values)) for name, values in columns.items()}
    codes = {}
    for name, values in columns.items():
        place = {value: k for k, value in enumerate(names[name])}
        codes[name] = np.array([place[value] for value in values], dtype=np.int64)
    scores = np.array([score_of(row) for row in fields], dtype=np.float64)
    return Scores(names, codes, np.zeros(len(fields), dtype=np.int64), np.array(labels, dtype=np.int64), scores)
