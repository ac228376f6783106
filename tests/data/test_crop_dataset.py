import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.data.crop_dataset import CorruptCrop, CropReader, read_manifest, select, thin, verify_files
from deepfake_adv.names import Condition


@pytest.fixture
def table(shards):
    return read_manifest(shards / "train.parquet")


def test_videos_and_groups_are_numbered_per_quality(table):
    assert len(table) == 3 * 2 * 4 * 8
    assert len(np.unique(table.videos)) == 3 * 2 * 4
    assert len(np.unique(table.groups)) == 6


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


def test_an_empty_manifest_is_refused(shards, tmp_path):
    pq.write_table(pq.read_table(shards / "val.parquet").slice(0, 0), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="at least one row"):
        read_manifest(tmp_path / "x.parquet")


def test_thinning_keeps_evenly_spaced_frames(table):
    rows = thin(table, select(table, Condition("NT", "c23")), 2)
    assert len(rows) == 2 * 4 * 2
    assert sorted(set(table.frames[rows])) == [6, 18]
    assert len(thin(table, np.arange(len(table)), 0)) == len(table)


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


def test_the_reader_touches_only_its_columns_and_keeps_few_groups(shards):
    reader = CropReader(shards.parents[1], ["image.bytes"], keep=1)
    name = "crops/corpus/c23/NT-train-000.parquet"
    group = reader.group(name, 0)
    assert list(group) == ["image.bytes"]
    assert all(isinstance(data, bytes) and data for data in group["image.bytes"])
    assert reader.group(name, 0) is group
    reader.group("crops/corpus/raw/NT-train-000.parquet", 0)
    assert reader.group(name, 0) is not group


def test_a_row_group_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(CorruptCrop, match=r"row group 0 of .*x\.parquet"):
        CropReader(tmp_path, ["image"], keep=1).group("x.parquet", 0)
