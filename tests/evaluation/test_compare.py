"""Two detectors on the videos that both have scored."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepfake_adv.evaluation.compare import as_text, compare, load_side
from deepfake_adv.evaluation.delong import delong_test
from deepfake_adv.evaluation.metrics import auc, curve
from deepfake_adv.evaluation.run import Settings

SETTINGS = Settings(resamples=300, confidence=0.95, seed=0)


@pytest.fixture
def videos():
    """Names, labels and scores of two detectors, the second better."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    common = rng.normal(labels, 1)
    first, second = common + rng.normal(0, 0.6, 60), common + rng.normal(1.5 * labels, 0.6)
    squash = 1 / (1 + np.exp(-np.stack([first, second])))
    return [f"v{k:02d}" for k in range(60)], labels, squash[0], squash[1]


@pytest.fixture
def table(tmp_path):
    def write(name, names, labels, scores):
        lines = [f"{video},{label},{score}" for video, label, score in zip(names, labels, scores, strict=True)]
        (tmp_path / name).write_text("\n".join(["video,label,score", *lines]))
        return load_side(str(tmp_path / name))

    return write


@pytest.fixture
def run(tmp_path, to_table):
    def write(name, rows):
        pq.write_table(to_table(rows), tmp_path / name)
        return load_side(str(tmp_path / name))

    return write


def test_tables_are_compared_with_bootstrap_and_delong(table, videos):
    names, labels, one, other = videos
    found = compare(table("a.csv", names, labels, one), table("b.csv", names, labels, other), SETTINGS)
    (result,) = found["results"]
    number = result["video"]["auc"]
    assert number["first"] == pytest.approx(auc(curve(one, labels)), abs=1e-6)
    assert number["value"] == pytest.approx(auc(curve(other, labels)) - auc(curve(one, labels)), abs=1e-6)
    assert 0 < number["low"] < number["value"] < number["high"]
    assert number["p"] < 0.02
    expected = delong_test(one, other, labels)
    assert result["delong"]["p"] == pytest.approx(expected.p, abs=1e-6)
    assert number["high"] - number["low"] == pytest.approx(2 * 1.96 * expected.deviation, rel=0.25)
    assert "frame" not in result
    assert set(result["video"]) == {"auc", "ap", "eer", "acc"}


def test_order_of_rows_does_not_matter_and_swapping_turns_the_sign(table, videos):
    names, labels, one, other = videos
    order = np.random.default_rng(3).permutation(60)
    usual = compare(table("a.csv", names, labels, one), table("b.csv", names, labels, other), SETTINGS)
    mixed = table("c.csv", *(np.array(each)[order] for each in (names, labels, other)))
    turned = compare(mixed, table("a.csv", names, labels, one), SETTINGS)
    number, opposite = usual["results"][0]["video"]["auc"], turned["results"][0]["video"]["auc"]
    assert (opposite["value"], opposite["low"]) == pytest.approx((-number["value"], -number["high"]), abs=1e-6)


def test_videos_of_one_alone_are_counted_and_said(table, videos):
    names, labels, one, other = videos
    first, second = table("a.csv", names[4:], labels[4:], one[4:]), table("b.csv", names[:-1], labels[:-1], other[:-1])
    found = compare(first, second, SETTINGS)
    counts = found["results"][0]["videos"]
    assert (counts["both"], counts["only_first"], counts["only_second"]) == (55, 1, 4)
    assert counts["only_second_named"] == ["v00", "v01", "v02", "v03"]
    text = as_text(found)
    assert "All rows: 55 videos compared; 1 only the first has, such as v59; 4 only the second has" in text


def test_missing_scores_are_said(table, videos):
    names, labels, one, other = videos
    holes = [f"{score}" if k else "" for k, score in enumerate(other)]
    found = compare(table("a.csv", names, labels, one), table("b.csv", names, labels, holes), SETTINGS)
    assert found["results"][0]["missing"][1] == {"rows": 1, "videos": 1}
    assert "the second lacks 1 scores, and all of 1 videos" in as_text(found)


def test_runs_are_compared_on_each_test_at_both_levels(run, make_rows):
    rows = make_rows(videos=6, qualities=("c23",), seeds=(0, 1))
    worse = [row | {"score": 0.5 + (row["score"] - 0.5) / 2 if row["frame"] else 0.5} for row in rows]
    found = compare(run("a.parquet", rows), run("b.parquet", worse), SETTINGS)
    assert {result["test"] for result in found["results"]} == {"DF_c23", "F2F_c23", "FS_c23", "NT_c23", "FF_c23"}
    (home,) = (result for result in found["results"] if result["test"] == "NT_c23")
    assert home["seeds"] == [[0, 1], [0, 1]]
    assert {"frame", "video"} <= set(home)
    assert home["delong"]["p"] is not None
    assert "NT_c23 of corpus" in as_text(found)


def test_identities_are_drawn_where_one_side_knows_them(run, table, make_rows):
    rows = [row | {"source": "", "target": row["video"]} for row in make_rows(videos=8, qualities=("c23",))]
    for row in rows:
        if row["label"]:
            k = int(row["video"][-3:])
            row |= {"target": f"real/{k:03d}", "source": f"real/{k ^ 1:03d}"}
    names = sorted({row["video"] for row in rows})
    labels = [int(not name.startswith("real")) for name in names]
    plain = table("b.csv", names, labels, np.random.default_rng(0).random(len(names)))
    found = compare(run("a.parquet", rows), plain, SETTINGS)
    assert {result["drawn"]["kind"] for result in found["results"]} == {"videos"}  # four pairs are too few
    more = [row | {name: row[name].replace("/0", "/1") for name in ("video", "target", "source")} for row in rows]
    names += [name.replace("/0", "/1") for name in names]
    plain = table("b.csv", names, labels * 2, np.random.default_rng(0).random(len(names)))
    found = compare(run("a.parquet", rows + more), plain, SETTINGS)
    assert {(result["drawn"]["kind"], result["drawn"]["count"]) for result in found["results"]} == {
        ("identity pairs", 8)
    }


def test_runs_of_one_training_condition_each_need_not_share_it(run, make_rows):
    first, second = (
        run(f"{train}.parquet", make_rows(qualities=("c23",), train=train)) for train in ("NT_c23", "DF_c23")
    )
    found = compare(first, second, SETTINGS)
    assert found["results"][0]["train"] == ["NT_c23", "DF_c23"]
    assert "NT_c23 / DF_c23" in as_text(found)


def test_what_cannot_be_compared_is_refused(table, videos, tmp_path, monkeypatch):
    names, labels, one, other = videos
    first = table("a.csv", names, labels, one)
    with pytest.raises(ValueError, match=r"must share videos of one test; got none. They hold v00, v01, v02 and x0"):
        compare(first, table("b.csv", [f"x{k}" for k in range(60)], labels, other), SETTINGS)
    with pytest.raises(ValueError, match=r"labels of one video must be equal; got v00 real in .* and fake in"):
        compare(first, table("b.csv", names, 1 - labels, other), SETTINGS)
    with pytest.raises(FileNotFoundError, match=r"none\.csv must be a table of scores"):
        load_side(str(tmp_path / "none.csv"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/scores").mkdir(parents=True)
    (tmp_path / "data/scores/compact_baseline.parquet").touch()
    with pytest.raises(
        FileNotFoundError, match=r"or a run with data/scores/compact_base.*Did you mean 'compact_baseline'"
    ):
        load_side("compact_base")


def test_without_resamples_there_are_differences_alone(table, videos):
    names, labels, one, other = videos
    sides = table("a.csv", names, labels, one), table("b.csv", names, labels, other)
    found = compare(*sides, Settings(0, 0.95, 0))
    assert set(found["results"][0]["video"]["auc"]) == {"first", "second", "value"}
    assert "difference" in as_text(found)
