import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.evaluation.scores import NO_SCORE, all_test_sets, conditions, read_scores, to_scores
from deepfake_adv.names import TESTED


def by_test(table):
    return {(each.train, each.dataset, str(each.test)): each for each in all_test_sets(to_scores(table))}


def test_each_forgery_meets_the_reals_of_its_dataset_and_quality(make_rows, to_table):
    rows = make_rows() + make_rows(dataset="other", videos=2)
    found = by_test(to_table(rows))
    sample = found["NT_c23", "corpus", "DF_raw"].frames[0]
    expected = [
        r for r in rows if r["dataset"] == "corpus" and r["quality"] == "raw" and r["forgery"] in ("real", "DF")
    ]
    assert len(sample.scores) == len(expected) == 2 * 4 * 5
    assert sorted(sample.scores) == pytest.approx(sorted(np.float32(r["score"]) for r in expected))


def test_conditions_pool_only_what_there_is():
    names = [str(each) for each in conditions(["real", "NT"], ["c23"])]
    assert names == ["NT_c23"]
    names = [str(each) for each in conditions(["DF", "F2F", "FS", "NT", "real"], ["c23", "raw"])]
    assert names[-3:] == ["FF_c23", "FF_raw", "FF_all"]
    assert len(names) == 15


def test_pooled_qualities_keep_a_video_one_cluster(make_rows, to_table):
    found = by_test(to_table(make_rows()))["NT_c23", "corpus", "NT_all"]
    assert len(found.names) == 8
    assert len(found.videos[0].scores) == 16  # a video at one quality is one item
    pooled = by_test(to_table(make_rows()))["NT_c23", "corpus", "FF_all"]
    assert (pooled.frames[0].labels == 1).sum() == 4 * (pooled.frames[0].labels == 0).sum()


def test_a_video_is_the_mean_of_its_frames(make_rows, to_table):
    rows = make_rows(qualities=("c23",))
    sample = by_test(to_table(rows))["NT_c23", "corpus", "NT_c23"].videos[0]
    means = {}
    for row in rows:
        if row["forgery"] in ("real", "NT"):
            means.setdefault(row["video"], []).append(np.float32(row["score"]))
    assert sorted(sample.scores) == pytest.approx(sorted(np.mean(v, dtype=np.float64) for v in means.values()))


def test_lost_frames_are_counted_and_a_lost_video_cannot_tell(make_rows, to_table):
    rows = make_rows(qualities=("c23",))
    for row in rows:
        if row["video"] == "NT/001" or (row["video"] == "NT/002" and row["frame"] == 0):
            row["score"] = math.nan
    test = by_test(to_table(rows))["NT_c23", "corpus", "NT_c23"]
    assert (test.lost_frames, test.lost_videos) == (6, 1)
    assert len(test.frames[0].scores) == 2 * 4 * 5 - 6
    assert (test.videos[0].scores == NO_SCORE).sum() == 1
    assert len(test.videos[0].scores) == 8


def test_a_null_is_a_lost_frame(make_rows, to_table):
    rows = make_rows(qualities=("c23",))
    rows[0]["score"] = None
    test = by_test(to_table(rows))["NT_c23", "corpus", "NT_c23"]
    assert test.lost_frames == 1


def test_seeds_share_their_videos(make_rows, to_table):
    test = by_test(to_table(make_rows(seeds=(0, 3))))["NT_c23", "corpus", "NT_raw"]
    assert list(test.frames) == [0, 3]
    assert (test.frames[0].cluster == test.frames[3].cluster).all()


def test_fingerprint_names_the_videos(make_rows, to_table):
    one = by_test(to_table(make_rows(train="NT_c23")))["NT_c23", "corpus", "NT_raw"]
    other = by_test(to_table(make_rows(train="NT_c40")))["NT_c40", "corpus", "NT_raw"]
    fewer = by_test(to_table(make_rows(videos=3)))["NT_c23", "corpus", "NT_raw"]
    assert one.fingerprint == other.fingerprint != fewer.fingerprint


def test_reading_a_file(score_file):
    scores = read_scores(score_file)
    assert len(scores.score) == 2 * 5 * 4 * 5
    assert scores.names["quality"] == ["c23", "raw"]


def test_files_that_cannot_be_used_say_why(tmp_path, make_rows, to_table):
    with pytest.raises(FileNotFoundError, match="score stage"):
        read_scores(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match=r"complete file of scores; got: .* Delete it and"):
        read_scores(tmp_path / "broken.parquet")
    path = tmp_path / "short.parquet"
    pq.write_table(pa.table({"score": [0.5]}), path)
    with pytest.raises(ValueError, match=r"got none of train_condition"):
        read_scores(path)
    with pytest.raises(ValueError, match="must have rows"):
        to_scores(to_table(make_rows()).slice(0, 0))
    rows = make_rows()
    rows[0]["label"] = 1
    with pytest.raises(ValueError, match="got 1 rows that differ"):
        to_scores(to_table(rows))


def test_reals_without_fakes_of_their_quality_are_a_test_set(make_rows, to_table):
    rows = [row for row in make_rows() if row["label"] == 0 or row["quality"] == "raw"]
    assert {"real_c23", "NT_raw", "NT_all"} <= {str(each.test) for each in all_test_sets(to_scores(to_table(rows)))}
    assert "real_raw" not in {str(each.test) for each in all_test_sets(to_scores(to_table(rows)))}
    reals = [row for row in rows if row["label"] == 0]
    found = {str(each.test): each for each in all_test_sets(to_scores(to_table(reals)))}
    assert set(found) == {"real_raw", "real_c23", "real_all"}
    assert len(found["real_all"].frames[0].scores) == 2 * len(found["real_raw"].frames[0].scores)


def swapped_pairs(rows):
    """The rows with the targets and sources of videos that are swapped in pairs; reals are their own targets."""
    people = {}
    for row in rows:
        number = int(row["video"][-3:])
        source = f"{number ^ 1:03d}" if row["label"] else ""
        people[row["video"]] = {"target": f"{number:03d}", "source": source}
    return [row | people[row["video"]] for row in rows]


def test_identity_pairs_are_drawn_and_shared_by_all_tests_of_a_dataset(make_rows, to_table):
    tests = by_test(to_table(swapped_pairs(make_rows(videos=12))))
    one, other = (tests["NT_c23", "corpus", name] for name in ("DF_raw", "FF_all"))
    assert (one.units.kind, one.units.count()) == ("identity pairs", 6)
    drawn, all_drawn = one.units.draw(10, 0), other.units.draw(10, 0)
    place = [other.names.index(name) for name in one.names]
    assert (all_drawn[:, place] == drawn).all()
    assert (drawn[:, one.names.index("DF/003")] == drawn[:, one.names.index("real/002")]).all()


def test_draws_are_the_same_where_a_run_was_tested_on_fewer_forgeries(make_rows, to_table):
    rows = swapped_pairs(make_rows(videos=12))
    whole = by_test(to_table(rows))["NT_c23", "corpus", "NT_c23"]
    part = by_test(to_table([row for row in rows if row["forgery"] in ("NT", "real")]))["NT_c23", "corpus", "NT_c23"]
    assert whole.fingerprint == part.fingerprint
    assert (whole.units.draw(10, 0) == part.units.draw(10, 0)).all()


def test_files_without_sources_draw_videos_and_are_compared_with_no_other(make_rows, to_table, tmp_path):
    rows = swapped_pairs(make_rows(videos=12))
    pq.write_table(to_table(rows).drop_columns("source"), tmp_path / "earlier.parquet")
    earlier = next(all_test_sets(read_scores(tmp_path / "earlier.parquet")))
    assert earlier.units.kind == "videos"
    assert earlier.fingerprint != next(all_test_sets(to_scores(to_table(rows)))).fingerprint
    nulls = to_table([row | {"source": row["source"] or None} for row in rows])
    assert next(all_test_sets(to_scores(nulls))).units.kind == "identity pairs"


def test_frames_chosen_for_some_conditions_are_no_test_of_others(make_rows, to_table, tmp_path):
    """Of the reals of a pooled quality only those that another condition asked for are there."""
    table = to_table(make_rows()).replace_schema_metadata({TESTED: "NT_c23 FF_raw"})
    pq.write_table(table, tmp_path / "scores.parquet")
    found = all_test_sets(read_scores(tmp_path / "scores.parquet"))
    assert [str(test.test) for test in found] == ["NT_c23", "FF_raw"]
