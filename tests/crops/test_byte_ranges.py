import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.crops.byte_ranges import byte_ranges
from deepfake_adv.crops.schema import CROP_SCHEMA, CROP_WRITE_OPTIONS


def values(path):
    table = pq.read_table(path)
    points = [None if row is None else np.asarray(row, "<f4").tobytes() for row in table["landmarks"].to_pylist()]
    images, masks = ([row and row["bytes"] for row in table[name].to_pylist()] for name in ("image", "mask"))
    return {"image": images, "mask": masks, "landmarks": points}


def check(path):
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
        check(path)


@pytest.mark.parametrize("options", [{"data_page_size": 300, "write_batch_size": 1}, {"data_page_version": "2.0"}])
def test_pages_may_begin_anywhere(make_shards, options):
    path = make_shards().parents[1] / "crops/corpus/c23/NT-train-000.parquet"
    rows = pq.read_table(path).to_pylist()
    for k in (0, 3, 4):
        rows[k]["mask"] = rows[k]["landmarks"] = None
    rows[5]["mask"] = {"bytes": b"", "path": None}
    options = {**CROP_WRITE_OPTIONS, **options}
    pq.write_table(pa.Table.from_pylist(rows, schema=CROP_SCHEMA), path, row_group_size=32, **options)
    check(path)


def test_values_that_are_not_there_as_they_are_are_refused(make_shards):
    path = make_shards().parents[1] / "crops/corpus/c23/NT-train-000.parquet"
    pq.write_table(pq.read_table(path), path, compression="zstd", use_dictionary=False)
    with pytest.raises(
        ValueError, match=r"NT-train-000\.parquet must hold image\.bytes as plain values .* `dvc repro crop`"
    ):
        byte_ranges(path)
