import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.extraction.boxes import BOX_SCHEMA, find_boxes, read_boxes
from deepfake_adv.parquet import WRITE_OPTIONS


def write(path, videos, qualities, frames, group=3):
    count = len(videos)
    columns = {"dataset": ["x"] * count, "target": ["t"] * count, "video": videos, "quality": qualities}
    columns |= {"frame": frames, "detected": [True] * count, "landmarks": [None] * count}
    columns |= {name: np.arange(count, dtype=np.float32) for name in ("x0", "y0", "x1", "y1", "confidence")}
    table = pa.table({field.name: columns[field.name] for field in BOX_SCHEMA}, schema=BOX_SCHEMA)
    pq.write_table(table, path, row_group_size=group, **WRITE_OPTIONS)


@pytest.fixture
def boxes(tmp_path):
    """Two videos, of which b has rows for all qualities in two stretches and some for one quality alone."""
    path = tmp_path / "boxes.parquet"
    write(path, list("aaaabbbbbbaab"), [None] * 4 + ["c23"] * 2 + ["c40"] + [None] * 6, range(13))
    return path


@pytest.mark.parametrize("quality", ["c23", "c40", "raw"])
def test_rows_are_those_that_a_filter_finds(boxes, quality):
    runs = find_boxes(boxes, quality)
    whole = pq.read_table(boxes).to_pylist()
    for video in "ab":
        expected = [row for row in whole if row["video"] == video and row["quality"] in (None, quality)]
        found = read_boxes(boxes, runs[video])
        assert list(found) == [row["frame"] for row in expected]
        assert [box["x0"] for box in found.values()] == [row["x0"] for row in expected]
    assert read_boxes(boxes, ()) == {}


def test_a_table_that_was_written_again_is_read_again(boxes):
    assert read_boxes(boxes, ((0, 1),))[0]["x0"] == 0
    write(boxes, ["a"] * 13, [None] * 13, range(50, 63))
    os.utime(boxes, ns=(1, 1))
    assert list(read_boxes(boxes, ((0, 1),))) == [50]


def test_a_damaged_table_is_reported(boxes):
    boxes.write_bytes(boxes.read_bytes()[:-50])
    for call in (lambda: find_boxes(boxes, "c23"), lambda: read_boxes(boxes, ((0, 1),))):
        with pytest.raises(ValueError, match=r"must be a complete box table; got: .* run `dvc repro locate`"):
            call()
