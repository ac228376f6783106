import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.files import CROP_SCHEMA, METADATA
from deepfake_adv.data.manifest import (
    MANIFEST_SCHEMA,
    SUBSTITUTE_VIDEOS,
    Substitutes,
    read_manifest,
    select,
    spread,
    thin,
    verify_files,
    write_manifest,
)
from deepfake_adv.names import Condition
from deepfake_adv.parquet import distinct, number_rows, parquet_errors, texts


@pytest.fixture
def table(shards):
    return read_manifest(shards / "train.parquet")


def test_videos_and_groups_are_numbered_per_quality(table):
    assert len(table) == 3 * 2 * 4 * 8
    assert len(np.unique(table.videos)) == 3 * 2 * 4
    assert len(np.unique(table.groups)) == 6


@pytest.mark.parametrize("held", ["plain", "dictionaries"])
def test_texts_are_numbered_as_they_first_appear_however_they_are_held(held):
    first, second = ["b", "a", None, "b", "a"], ["x", "y", "x", "x", "x"]
    parts = [pa.table({"one": first[a:b], "two": second[a:b]}) for a, b in ((0, 2), (2, 5))]
    if held == "dictionaries":  # each part with one of its own
        parts = [pa.table({name: part[name].dictionary_encode() for name in part.column_names}) for part in parts]
    columns = pa.concat_tables(parts)
    assert number_rows(columns, "one", "two").tolist() == [0, 1, 2, 0, 3]
    assert distinct(columns, "one", "two") == [("b", "x"), ("a", "y"), (None, "x"), ("a", "x")]
    assert texts(columns, "one").tolist() == first
    assert texts(columns.slice(0, 0), "one").tolist() == number_rows(columns.slice(0, 0), "one").tolist() == []


def test_a_manifest_says_each_text_once(shards, tmp_path):
    """Long file names and fingerprints of thousands of crops would make most of a manifest's bytes."""
    rows = pa.concat_tables([pq.read_table(shards / "train.parquet")] * 20)
    write_manifest(rows, tmp_path / "train.parquet")
    content = (tmp_path / "train.parquet").read_bytes()
    assert content.count(b"NT-train-000.parquet") <= 3 * 3  # three qualities: dictionary, and statistics of the group
    assert pq.read_table(tmp_path / "train.parquet").equals(rows.combine_chunks())
    table = read_manifest(tmp_path / "train.parquet")
    assert all(pa.types.is_dictionary(table.columns[name].type) for name in ("video", "file", "file_fingerprint"))
    assert (table.strings("video") == rows["video"].to_numpy()).all()


def test_a_condition_takes_its_fakes_and_the_reals_of_the_same_quality(table):
    rows = select(table, Condition("NT", "c23"))
    assert set(table.strings("quality")[rows]) == {"c23"}
    assert set(table.strings("forgery")[rows]) == {"NT", "real"}
    assert len(select(table, Condition("NT", "all"))) == len(table)
    assert len(select(table, Condition("FF", "raw"))) == len(rows)


def test_a_dataset_may_be_named_in_place_of_a_forgery(make_shards):
    table = read_manifest(make_shards(forgeries=("CelebDF", "DF")) / "train.parquet")
    rows = select(table, Condition("CelebDF", "c23"))
    assert set(table.strings("forgery")[rows]) == {"CelebDF", "real"}


def test_a_condition_without_crops_names_what_there_is(table):
    with pytest.raises(ValueError, match=r"must have fake crops .* got none for DF_c23, which holds .*NT_c23"):
        select(table, Condition("DF", "c23"))


def test_a_missing_manifest_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="dvc repro shard"):
        read_manifest(tmp_path / "train.parquet")


def test_a_manifest_of_other_columns_is_refused(tmp_path):
    pq.write_table(pa.table({"video": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"must have the columns .*row_group"):
        read_manifest(tmp_path / "x.parquet")


def test_a_manifest_that_is_cut_short_is_named(shards, tmp_path):
    path = tmp_path / "train.parquet"
    path.write_bytes((shards / "train.parquet").read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"train\.parquet must be a complete manifest; got: .*Delete it and run `dvc"):
        read_manifest(path)


def test_what_the_disk_refuses_is_no_error_of_the_file(tmp_path):
    with pytest.raises(PermissionError), parquet_errors(tmp_path, "manifest", "run it again"):
        raise PermissionError(13, "Permission denied", "x")


def test_an_empty_manifest_is_refused(shards, tmp_path):
    pq.write_table(pq.read_table(shards / "val.parquet").slice(0, 0), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="at least one row"):
        read_manifest(tmp_path / "x.parquet")


def test_thinning_keeps_evenly_spaced_frames(table):
    rows = thin(table, select(table, Condition("NT", "c23")), 2)
    assert len(rows) == 2 * 4 * 2
    assert sorted(set(table.frames[rows])) == [6, 18]
    assert len(thin(table, np.arange(len(table)), 0)) == len(table)


@pytest.mark.parametrize(("length", "most"), [(50, 7), (5, 4), (3, 2), (8, 2), (10, 1), (4, 9), (100, 99)])
def test_of_every_video_as_many_crops_are_kept_evenly_spaced(length, most):
    videos, frames = np.repeat([4, 1], length), np.tile(3 * np.arange(length), 2)
    shuffled = np.random.default_rng(0).permutation(2 * length)
    places = spread(videos[shuffled], frames[shuffled], most)
    assert (np.diff(places) > 0).all()
    for video in (1, 4):
        kept = np.sort(frames[shuffled][places][videos[shuffled][places] == video]) // 3
        assert len(kept) == min(length, most)
        assert max(np.diff(kept), default=0) - min(np.diff(kept), default=0) <= 1
        assert abs(np.mean(kept) - (length - 1) / 2) <= 0.5
        take = min(length, most)
        assert kept.tolist() == [(turn * length + length // 2) // take for turn in range(take)]


def test_files_that_changed_or_went_are_named(shards, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(shards.parents[1], data)
    table = read_manifest(data / "manifests/all/train.parquet")
    rows = np.arange(len(table))
    verify_files(table, rows, data)
    path = data / "crops/corpus/c23/NT-train-000.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    (data / "crops/corpus/raw/real-train-000.parquet").unlink()
    with pytest.raises(ValueError, match=r"c23/NT-train-000.parquet \(changed.*raw/real-train-000.parquet \(missing"):
        verify_files(table, rows, data)


def test_a_manifest_has_all_metadata_but_landmarks_and_where_the_crop_is():
    places = ["has_mask", "file", "row_group", "row", "file_fingerprint"]
    places += [f"{kind}_{name}" for kind in ("image", "mask", "landmarks") for name in ("offset", "size", "crc")]
    assert MANIFEST_SCHEMA.names == [*METADATA, *places]
    assert all(
        MANIFEST_SCHEMA.field(name).type == CROP_SCHEMA.field(name).type
        for name in MANIFEST_SCHEMA.names[: -len(places)]
    )


@pytest.fixture
def tall(make_shards):
    videos = {"train": SUBSTITUTE_VIDEOS + 4}
    folder = make_shards(tier="all", forgeries=("DF", "NT"), qualities=("raw", "c23"), videos=videos, frames=5, side=8)
    return read_manifest(folder / "train.parquet")


@pytest.mark.parametrize("place", [0, 7, 212, 333, 599])
def test_substitutes_are_of_the_crops_own_condition(tall, place):
    found = np.array(list(Substitutes(tall).of(place)))
    for name in ("dataset", "quality", "forgery"):
        assert set(tall.strings(name)[found]) == {tall.strings(name)[place]}
    assert set(tall.labels[found]) == {tall.labels[place]}
    assert place not in found
    assert len(set(found)) == len(found) == 4 + SUBSTITUTE_VIDEOS


def test_the_nearest_in_time_come_first_then_that_moment_of_other_videos(tall):
    found = np.array(list(Substitutes(tall).of(212)))  # the third of five frames, 3 apart
    assert tall.frames[212] == 6
    assert tall.frames[found[:4]].tolist() == [3, 9, 0, 12]
    assert set(tall.videos[found[:4]]) == {tall.videos[212]}
    assert set(tall.frames[found[4:]]) == {6}
    assert len(set(tall.videos[found[4:]]) - {tall.videos[212]}) == SUBSTITUTE_VIDEOS
