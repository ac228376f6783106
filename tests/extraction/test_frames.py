import pickle

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepfake_adv.datasets.videos import VideoRow, format_rows
from deepfake_adv.extraction.frames import FRAME_SCHEMA, VIDEOS, FrameStore, frame_table, write_frame_table
from deepfake_adv.video.encode import write_ffv1, write_h264
from deepfake_adv.video.errors import VideoError

SAMPLED = [2, 5, 8, 11]


@pytest.fixture
def part(tmp_path):
    """A dataset of two videos of 14 frames, sampled in both forms; gives its root and all frames by video."""
    rng = np.random.default_rng(0)
    rows, whole = [], {}
    for name in ("real/000", "NT/000_001"):
        frames = list(rng.integers(0, 256, (14, 24, 16), dtype=np.uint8))
        write_h264(tmp_path / f"{name}.mp4", frames, crf=0)
        write_ffv1(tmp_path / f"frames/store/{name}.mkv", [frames[index] for index in SAMPLED])
        fake = name.startswith("NT")
        facts = (24, "f", 14, 25.0, 16, 16, "ok", "")
        rows.append(
            VideoRow(name, int(fake), name.split("/")[0], "test", "000", "001" * fake, f"{name}.mp4", "", *facts)
        )
        whole[name] = frames
    times = [index / 25 for index in SAMPLED]
    for form in ("frames", "index"):
        (tmp_path / form).mkdir(exist_ok=True)
        write_frame_table(tmp_path / form / "frames.parquet", frame_table((row, SAMPLED, times) for row in rows))
        (tmp_path / form / VIDEOS).write_text(format_rows(rows))
    return tmp_path, whole


@pytest.fixture(params=["frames", "index"])
def store(request, part):
    root, whole = part
    return FrameStore(root / request.param, root), whole


def test_both_forms_give_the_very_frames(store):
    opened, whole = store
    assert list(opened.rows) == list(whole)
    for video, frames in whole.items():
        found = list(opened.of(video).read())
        assert [index for index, _ in found] == SAMPLED == opened.indices[video].tolist()
        for index, planes in found:
            np.testing.assert_array_equal(planes, frames[index])


def test_some_frames_alone_in_order(store):
    opened, whole = store
    found = list(opened.of("NT/000_001").read([11, 2]))
    assert [index for index, _ in found] == [2, 11]
    np.testing.assert_array_equal(found[1][1], whole["NT/000_001"][11])
    assert list(opened.of("NT/000_001").read([])) == []


def test_what_was_not_sampled_is_refused(store):
    opened, _ = store
    with pytest.raises(ValueError, match=r"indices must be sampled frames of real/000; got \[3, 99\]"):
        list(opened.of("real/000").read([2, 3, 99]))
    with pytest.raises(ValueError, match="video must be one that has sampled frames; got 'real/9'"):
        opened.of("real/9")


def test_a_worker_is_given_its_video_alone(store):
    opened, _ = store
    taken = pickle.dumps(opened.of("real/000"))
    assert [index for index, _ in pickle.loads(taken).read()] == SAMPLED
    assert b"NT/000_001" not in taken
    np.testing.assert_allclose(opened.of("real/000").times, [index / 25 for index in SAMPLED])


def test_a_video_that_went_missing_is_named(part):
    root, _ = part
    (root / "real/000.mp4").unlink()
    with pytest.raises(VideoError, match=r"000\.mp4 must be readable"):
        list(FrameStore(root / "index", root).of("real/000").read())
    assert len(list(FrameStore(root / "frames", root).of("real/000").read())) == 4  # has its own


def test_nothing_extracted_yet(tmp_path):
    with pytest.raises(FileNotFoundError, match="Run `dvc repro extract`"):
        FrameStore(tmp_path, tmp_path)


def test_the_table_is_as_agreed(part):
    root, _ = part
    file = pq.ParquetFile(root / "frames/frames.parquet")
    assert file.schema_arrow.equals(FRAME_SCHEMA)
    encodings = {file.metadata.row_group(0).column(number).encodings for number in range(len(FRAME_SCHEMA))}
    assert not any("DICTIONARY" in name for names in encodings for name in names)
    table = file.read().to_pylist()
    assert table[5]["video"] == "NT/000_001"
    assert table[5]["time"] == pytest.approx(0.2)
    assert (table[0]["source"], table[5]["source"], table[5]["position"]) == (None, "001", 1)
