import errno
import json
import pickle
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops import files as module
from deepfake_adv.crops.files import CROP_SCHEMA, CROP_WRITE_OPTIONS, CorruptCrop, CropReader, byte_ranges, crop_schema

DATA = bytes(range(200))
CRC = zlib.crc32(DATA[10:30])


def test_no_column_is_a_dictionary():
    assert not any(pa.types.is_dictionary(field.type) for field in CROP_SCHEMA)
    assert CROP_WRITE_OPTIONS["use_dictionary"] is False


def test_statistics_are_on_what_readers_filter_by_and_not_on_bytes():
    assert {"forgery", "quality", "split", "label", "video", "frame"} <= set(CROP_WRITE_OPTIONS["write_statistics"])
    assert not any("image" in name or "mask" in name for name in CROP_WRITE_OPTIONS["write_statistics"])


def test_features_name_every_column_for_datasets():
    features = json.loads(crop_schema().metadata[b"huggingface"])["info"]["features"]
    assert list(features) == CROP_SCHEMA.names
    assert features["image"] == features["mask"] == {"_type": "Image"}
    assert features["frame"] == {"dtype": "int32", "_type": "Value"}
    assert features["time"]["dtype"] == "float32"
    assert features["detected"]["dtype"] == "bool"


def values(path):
    table = pq.read_table(path)
    points = [None if row is None else np.asarray(row, "<f4").tobytes() for row in table["landmarks"].to_pylist()]
    images, masks = ([row and row["bytes"] for row in table[name].to_pylist()] for name in ("image", "mask"))
    return {"image": images, "mask": masks, "landmarks": points}


def check_ranges(path):
    content = path.read_bytes()
    ranges = byte_ranges(path).to_pydict()
    for kind, expected in values(path).items():
        places = zip(*(ranges[f"{kind}_{name}"] for name in ("offset", "size", "crc")), strict=True)
        for (offset, size, crc), value in zip(places, expected, strict=True):
            assert (None if size is None else content[offset : offset + size]) == value
            assert crc == (None if value is None else zlib.crc32(value))


@pytest.mark.parametrize("options", [{}, {"landmarks": False, "masks": False}, {"group": 5}])
def test_a_range_holds_the_values_own_bytes(make_shards, options):
    folder = make_shards(**options).parents[1] / "crops/corpus/c23"
    for path in sorted(folder.glob("*.parquet")):
        check_ranges(path)


# Many pages; with pyarrow 21 those of the first version begin at a row only where there is a page index
SMALL_PAGES = {"data_page_size": 300, "write_batch_size": 1, "write_page_index": True}


@pytest.mark.parametrize("options", [SMALL_PAGES, {"data_page_version": "2.0"}])
def test_pages_may_begin_anywhere(make_shards, options):
    path = make_shards().parents[1] / "crops/corpus/c23/NT-train-000.parquet"
    rows = pq.read_table(path).to_pylist()
    for k in (0, 3, 4):
        rows[k]["mask"] = rows[k]["landmarks"] = None
    rows[5]["mask"] = {"bytes": b"", "path": None}
    options = {**CROP_WRITE_OPTIONS, **options}
    pq.write_table(pa.Table.from_pylist(rows, schema=CROP_SCHEMA), path, row_group_size=32, **options)
    check_ranges(path)


def test_values_that_are_not_there_as_they_are_are_refused(make_shards):
    path = make_shards().parents[1] / "crops/corpus/c23/NT-train-000.parquet"
    pq.write_table(pq.read_table(path), path, compression="zstd", use_dictionary=False)
    with pytest.raises(
        ValueError, match=r"NT-train-000\.parquet must hold image\.bytes as plain values .* `dvc repro crop`"
    ):
        byte_ranges(path)


@pytest.fixture
def files(tmp_path):
    for name in "abcde":
        (tmp_path / name).write_bytes(DATA)
    return tmp_path


def test_the_bytes_requested_are_read(files):
    assert CropReader(files).read("a", 10, 20, CRC) == DATA[10:30]


def test_a_changed_byte_is_no_crop(files):
    (files / "a").write_bytes(DATA.replace(b"\x0f", b"\x10"))
    with pytest.raises(CorruptCrop, match="another CRC checksum"):
        CropReader(files).read("a", 10, 20, CRC)


def test_a_file_that_is_cut_short_while_it_is_open_is_no_crop(files):
    reader = CropReader(files)
    reader.read("a", 10, 20, CRC)
    with open(files / "a", "r+b") as stream:
        stream.truncate(25)
    with pytest.raises(CorruptCrop, match="15 of 20 bytes"):
        reader.read("a", 10, 20, CRC)


def test_a_file_that_is_missing_is_no_crop(files):
    with pytest.raises(CorruptCrop, match="No such file"):
        CropReader(files).read("x", 0, 1, 0)


def test_few_files_are_open_at_a_time(files, monkeypatch):
    monkeypatch.setattr(module, "OPEN_FILES", 2)
    reader = CropReader(files)
    opened = []
    for name in "abcdea":
        reader.read(name, 10, 20, CRC)
        opened.append(reader._files[name])
    assert [file.closed for file in opened] == [True] * 4 + [False] * 2


def test_open_files_stay_behind_when_sent_to_another_process(files):
    reader = CropReader(files)
    reader.read("a", 10, 20, CRC)
    again = pickle.loads(pickle.dumps(reader))
    assert not again._files
    assert again.read("a", 10, 20, CRC) == DATA[10:30]


def test_too_many_open_files_are_not_the_files_error(files, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(module.CropReader, "_open", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        CropReader(files).read("a", 10, 20, CRC)
