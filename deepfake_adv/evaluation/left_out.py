"""A run's AUCs with one group of identities left out at a time: what paired tests over identities need.

A fake shows two people, its target and its source. Groups are the smallest sets of people such that no fake mixes two
groups: in a corpus whose people are swapped in pairs, the pairs. Nothing of a group is in another, so that groups, and
they alone, are independent.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from deepfake_adv.evaluation.bootstrap import concordance
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL
from deepfake_adv.parquet import parquet_errors

Floats = NDArray[np.float64]
_KEY = ["dataset", "video"]


def read_frames(scores: Path, manifest: Path) -> pd.DataFrame:
    """Scores of a run with the group of identities of each frame.

    Args:
        scores: data/scores/<run>.parquet.
        manifest: The test frames, with target and source of each video.

    Returns:
        Columns of the score file, and `group`, named by its identities: 012+034.

    Raises:
        ValueError: If a file is no parquet file.
    """
    with parquet_errors(scores, "file of scores", "run `dvc repro score`"):
        frames = pq.read_table(scores).to_pandas()
    with parquet_errors(manifest, "manifest", "run `dvc repro shard`"):
        videos = pq.read_table(manifest, columns=[*_KEY, "target", "source"]).to_pandas()
    videos = videos.drop_duplicates(_KEY).reset_index(drop=True)
    videos["group"] = groups(videos["dataset"], videos["target"], videos["source"])
    merged: pd.DataFrame = frames.merge(videos[[*_KEY, "group"]], on=_KEY, how="left", validate="many_to_one")
    return merged


def groups(datasets: "pd.Series[str]", targets: "pd.Series[str]", sources: "pd.Series[str]") -> list[str]:
    """Group of each video: the identities that fakes connect, joined by +.

    Args:
        datasets: Dataset of each video; identities of two datasets are different people.
        targets: Whose video it is.
        sources: Whose face or expression is in it; empty or missing for a real.
    """
    own = datasets.astype(str) + "/" + targets.fillna("").astype(str)
    other = sources.fillna("").astype(str)
    other = (datasets.astype(str) + "/" + other).where(other != "", own)
    people, codes = np.unique(np.concatenate([own, other]), return_inverse=True)
    first, second = codes[: len(own)], codes[len(own) :]
    graph = coo_array((np.ones(len(own)), (first, second)), shape=(len(people), len(people)))
    _, component = connected_components(graph, directed=False)
    members: dict[int, list[str]] = {}
    for name, number in zip(people, component, strict=True):
        members.setdefault(int(number), []).append(str(name).partition("/")[2])
    return ["+".join(members[int(component[code])]) for code in first]


def left_out_aucs(frames: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """AUC per seed of every training and test condition, whole and with each group left out.

    Yields:
        train, dataset, test, groups (names, sorted), seeds, auc ``[S]`` and left_out ``[S][P]``, fractions of six
        decimals. A condition is left out where a seed lacks one of the classes, or without one group lacks it.
    """
    frames = frames[np.isfinite(frames["score"])]
    for (train, dataset, quality), part in frames.groupby(["train_condition", "dataset", "quality"], sort=True):
        reals = part[part["label"] == REAL_LABEL]
        for forgery in sorted(set(part["forgery"]) - {REAL}):
            chosen = pd.concat([reals, part[part["forgery"] == forgery]])
            names = sorted(set(chosen["group"]))
            found = {
                int(seed): _of_seed(each, names)
                for seed, each in chosen.groupby("seed", sort=True)  # type: ignore[call-overload]
            }
            if all(value is not None for value in found.values()):
                yield {
                    "train": train,
                    "dataset": dataset,
                    "test": f"{forgery}_{quality}",
                    "groups": names,
                    "seeds": list(found),
                    "auc": [round(value[0], 6) for value in found.values() if value],
                    "left_out": [np.round(value[1], 6).tolist() for value in found.values() if value],
                }


def _of_seed(frames: pd.DataFrame, names: list[str]) -> tuple[float, Floats] | None:
    """AUC, and AUCs ``(P,)`` without each group; None where one is undefined."""
    fake = (frames["label"] == FAKE_LABEL).to_numpy()
    place = np.searchsorted(names, frames["group"].to_numpy(dtype=str))
    order = np.argsort(fake * len(names) + place, kind="stable")
    cells, cluster = np.unique((fake * len(names) + place)[order], return_inverse=True)
    fakes = cells >= len(names)
    counts = np.bincount(cluster).astype(np.float64)
    wins = np.zeros((len(names), len(names)))
    rows, columns = cells[~fakes], cells[fakes] - len(names)
    wins[np.ix_(rows, columns)] = concordance(frames["score"].to_numpy(np.float64)[order], cluster, fakes)
    real, false = np.zeros(len(names)), np.zeros(len(names))
    real[rows], false[columns] = counts[~fakes], counts[fakes]
    rest = (real.sum() - real) * (false.sum() - false)
    if not real.sum() * false.sum() or not rest.all():
        return None
    without = wins.sum() - wins.sum(axis=1) - wins.sum(axis=0) + np.diag(wins)
    return float(wins.sum() / (real.sum() * false.sum())), without / rest
