"""Scores made up for the tests, and a score file of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.evaluation.bootstrap import Sample

_SHIFT = {"real": 0.0, "NT": 3.0, "DF": 1.5, "F2F": 1.0, "FS": 0.5}


def make_rows(*, seeds=(0,), qualities=("raw", "c23"), videos=4, frames=5, train="NT_c23", dataset="corpus"):
    rng = np.random.default_rng(1)
    rows = []
    for seed in seeds:
        for quality in qualities:
            for forgery, shift in _SHIFT.items():
                for video in range(videos):
                    logits = rng.normal(shift - 1 + rng.normal(0, 0.7), 1, frames)
                    for frame, score in enumerate(1 / (1 + np.exp(-logits))):
                        rows.append(
                            {
                                "train_condition": train,
                                "seed": seed,
                                "dataset": dataset,
                                "quality": quality,
                                "forgery": forgery,
                                "label": int(forgery != "real"),
                                "video": f"{forgery}/{video:03d}",
                                "target": f"{video:03d}",
                                "frame": frame,
                                "score": float(score),
                            }
                        )
    return rows


@pytest.fixture(name="make_rows")
def _make_rows():
    return make_rows


@pytest.fixture
def to_table():
    def convert(rows):
        table = pa.Table.from_pylist(rows)
        for name, kind in (("score", pa.float64()), ("label", pa.int8()), ("seed", pa.int32())):
            table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
        return table

    return convert


@pytest.fixture
def score_file(tmp_path, to_table) -> Path:
    path = tmp_path / "scores.parquet"
    pq.write_table(to_table(make_rows()), path)
    return path


@pytest.fixture
def sample():
    """Frames of 6 real and 5 fake videos of unequal length, with ties."""
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(11), rng.integers(2, 9, 11))
    labels = (cluster >= 6).astype(np.int64)
    scores = np.round(rng.random(len(cluster)) * 0.7 + 0.3 * labels * rng.random(len(cluster)), 2)
    order = rng.permutation(len(cluster))
    return Sample(scores[order], labels[order], cluster[order])


@pytest.fixture
def strata():
    """Of the videos of `sample`."""
    return tuple("c/real" if k < 6 else "c/NT" for k in range(11))
