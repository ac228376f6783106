"""AUCs without one group of identities."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from deepfake_adv.evaluation.left_out import groups, left_out_aucs, read_frames


def make_frames(pairs=4, frames=3, seeds=(0, 1)):
    """Scores of people swapped in pairs, and the manifest's columns; score files do not name the source."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in seeds:
        for pair in range(pairs):
            ids = f"{2 * pair:03d}", f"{2 * pair + 1:03d}"
            for target, source in (ids, ids[::-1]):
                for forgery, video, label in (("real", target, 0), ("DF", f"{target}_{source}", 1)):
                    for frame in range(frames):
                        rows.append(
                            {"train_condition": "NT_c23", "seed": seed, "dataset": "corpus", "quality": "c23",
                             "forgery": forgery, "label": label, "video": video, "frame": frame, "target": target,
                             "source": source if label else None, "score": round(rng.normal(label), 1)}
                        )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def files(tmp_path):
    table = make_frames()
    scores, manifest = tmp_path / "scores.parquet", tmp_path / "test.parquet"
    pq.write_table(pa.Table.from_pandas(table.drop(columns="source")), scores)
    pq.write_table(pa.Table.from_pandas(table[["dataset", "video", "target", "source"]]), manifest)
    return scores, manifest


def test_each_auc_is_that_of_the_other_groups(files):
    frames = read_frames(*files)
    (found,) = left_out_aucs(frames)
    assert found["groups"] == ["000+001", "002+003", "004+005", "006+007"]
    assert (found["train"], found["test"], found["seeds"]) == ("NT_c23", "DF_c23", [0, 1])
    for row, seed in enumerate(found["seeds"]):
        mine = frames[frames["seed"] == seed]
        assert found["auc"][row] == pytest.approx(roc_auc_score(mine["label"], mine["score"]), abs=1e-6)
        for column, group in enumerate(found["groups"]):
            rest = mine[mine["group"] != group]
            expected = roc_auc_score(rest["label"], rest["score"])
            assert found["left_out"][row][column] == pytest.approx(expected, abs=1e-6)


def test_people_whom_fakes_connect_are_one_group_and_datasets_are_apart():
    frame = pd.DataFrame(
        {"dataset": ["a"] * 4 + ["b"], "target": ["x", "x", "y", "w", "x"], "source": ["y", None, "z", "", None]}
    )
    assert groups(frame["dataset"], frame["target"], frame["source"]) == ["x+y+z", "x+y+z", "x+y+z", "w", "x"]


def test_a_condition_that_a_group_decides_alone_is_left_out():
    frames = make_frames()
    frames["group"] = groups(frames["dataset"], frames["target"], frames["source"])
    one = frames[(frames["label"] == 0) | (frames["group"] == "000+001")]
    assert list(left_out_aucs(one)) == []
    frames.loc[frames["label"] == 1, "score"] = np.nan
    assert list(left_out_aucs(frames)) == []


def test_files_that_are_no_parquet_are_named(files):
    files[0].write_text("no")
    with pytest.raises(ValueError, match=r"scores\.parquet must be"):
        read_frames(*files)
