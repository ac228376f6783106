import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.record import join_records, read_record, record_metadata

LOCATE, CROP = {"backend": {"name": "dlib"}, "every": 10}, {"margin": 1.3}


def test_a_record_is_read_as_it_was_written_and_an_older_file_has_none(tmp_path):
    table = pa.table({"number": [1]})
    record = {"crop": CROP, "locate": LOCATE}
    pq.write_table(table.replace_schema_metadata(record_metadata(record)), tmp_path / "new.parquet")
    pq.write_table(table.replace_schema_metadata(record_metadata({})), tmp_path / "old.parquet")
    assert read_record(tmp_path / "new.parquet") == record
    assert read_record(tmp_path / "old.parquet") == {}


def test_frames_are_joined_by_dataset_and_the_rest_must_agree():
    one, two = ({"frames": {name: {"test": count}}, "crop": CROP} for name, count in (("a", 1), ("b", 2)))
    assert join_records([one, two]) == {"frames": {"a": {"test": 1}, "b": {"test": 2}}, "crop": CROP}
    assert join_records([one, {"frames": {}}]) == {"frames": {"a": {"test": 1}}}  # who cut the other, nobody says
    with pytest.raises(ValueError, match=r"must be made in one way; got two values of locate\.every"):
        join_records([{"locate": LOCATE}, {"locate": {**LOCATE, "every": 5}}])
