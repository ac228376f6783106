import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from deepfake_adv.crops.files import CorruptCrop
from deepfake_adv.data.manifest import read_manifest, write_manifest
from deepfake_adv.data.store import CropDecoder, CropStore
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import file_fingerprint, sha256, write_json
from deepfake_adv.training.checkpoint import save_weights
from deepfake_adv.training.score import SCHEMA, score_run
from deepfake_adv.training.trained import detector_arguments, load_trained, trained_folders

COMPACT = {"name": "compact", "width": 4}
TSN = {"name": "tsn", "frame": COMPACT, "segments": 3}


def leave(folder, entry, *, size=16, seed=0):
    """A finished run's detector, untrained."""
    torch.manual_seed(seed)
    detector = build_detector(**entry)
    save_weights(folder / "detector.safetensors", detector)
    record = {"condition": folder.parent.name, "seed": seed, "image_size": size, "params": {"detector": entry}}
    record["files"] = {"detector.safetensors": sha256(folder / "detector.safetensors")}
    write_json(folder / "run.json", record)
    return detector.eval()


def score(run, manifest, output, **options):
    score_run(run, manifest, output, **{"batch_size": 10, "accelerator": "cpu"} | options)
    return pq.read_table(output)


def test_every_test_frame_gets_every_detectors_probability(shards, tmp_path):
    detectors = {
        (condition, seed): leave(tmp_path / "run" / condition / f"seed{seed}", COMPACT, seed=seed)
        for condition in ("NT_raw", "NT_c23")
        for seed in (0, 1)
    }
    table = read_manifest(shards / "test.parquet")
    found = score(tmp_path / "run", shards / "test.parquet", tmp_path / "s.parquet")
    assert found.schema == SCHEMA
    assert len(found) == 4 * len(table)
    images = CropStore(table, shards.parents[1], image_size=16).fetch(np.arange(len(table))).images
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    frame = found.to_pandas()
    for (condition, seed), detector in detectors.items():
        mine = frame[(frame.train_condition == condition) & (frame.seed == seed)]
        with torch.no_grad():
            expected = detector(inputs).softmax(1)[:, 1]
        assert np.allclose(mine.score, expected, atol=1e-5)
        assert (mine.video == table.strings("video")).all()
        assert (mine.label == table.labels).all()


def test_a_run_is_scored_on_its_own_conditions_and_frames(shards, tmp_path):
    leave(tmp_path / "run/NT_c23/seed0", COMPACT)
    whole = score(tmp_path / "run", shards / "test.parquet", tmp_path / "whole").to_pandas()
    wanted = ["NT_c23", "NT_raw"]
    found = score(tmp_path / "run", shards / "test.parquet", tmp_path / "s", conditions=wanted, frames=2)
    assert found.schema.metadata == {b"test_conditions": b"NT_c23 NT_raw"}
    frame = found.to_pandas()
    kinds = {("NT", "c23"), ("real", "c23"), ("NT", "raw"), ("real", "raw")}
    assert set(zip(frame.forgery, frame.quality, strict=True)) == kinds
    assert (frame.groupby(["quality", "video"]).size() == 2).all()
    columns = ["quality", "video", "frame"]
    both = frame.merge(whole, on=columns, suffixes=("", "_whole"))
    assert len(both) == len(frame)
    assert np.allclose(both.score, both.score_whole, atol=1e-6)
    with pytest.raises(ValueError, match=r"got none for NT_native.* Correct runs\.<run>\.test\.conditions"):
        score(tmp_path / "run", shards / "test.parquet", tmp_path / "s", conditions=["NT_native"])


def test_each_crop_is_decoded_once_for_all_detectors(shards, tmp_path, monkeypatch):
    for seed in (0, 1, 2):
        leave(tmp_path / "run/NT_c23" / f"seed{seed}", COMPACT, seed=seed)
    decoded = []
    decode = CropDecoder._decode_one
    monkeypatch.setattr(
        CropDecoder, "_decode_one", lambda self, *a: (decoded.append(int(a[2].rows[a[3]])), decode(self, *a))[1]
    )
    score(tmp_path / "run", shards / "test.parquet", tmp_path / "s.parquet")
    assert sorted(decoded) == list(range(len(read_manifest(shards / "test.parquet"))))


def test_clips_give_every_frame_its_clips_score(shards, tmp_path):
    leave(tmp_path / "run/NT_c23/seed0", TSN)
    found = score(tmp_path / "run", shards / "test.parquet", tmp_path / "s.parquet").to_pandas()
    assert len(found) == len(read_manifest(shards / "test.parquet"))
    per_video = found.groupby(["quality", "video"]).score.nunique()
    assert (per_video == 3).all()  # 8 frames in clips of 3


def test_lower_precision_stays_near(shards, tmp_path):
    leave(tmp_path / "run/NT_c23/seed0", COMPACT)
    scores = []
    for precision in ("32-true", "bf16-mixed"):
        found = score(tmp_path / "run", shards / "test.parquet", tmp_path / "s.parquet", precision=precision)
        scores.append(found["score"].to_numpy())
    assert np.abs(scores[0] - scores[1]).max() < 0.02


def test_workers_score_the_same(shards, tmp_path):
    leave(tmp_path / "run/NT_c23/seed0", COMPACT)
    alone, apart = (score(tmp_path / "run", shards / "test.parquet", tmp_path / "s", workers=n) for n in (0, 1))
    assert alone.equals(apart)


@pytest.fixture
def damaged(make_shards):
    """A test manifest of which one crop cannot be read, and that crop's row."""
    manifest = make_shards() / "test.parquet"
    table = read_manifest(manifest)
    row = int(np.flatnonzero(table.labels == 1)[2])
    path = manifest.parents[2] / table.strings("file")[row]
    content = bytearray(path.read_bytes())
    first = table.ranges("image")[0][row]
    content[first : first + 64] = bytes(64)
    path.write_bytes(content)
    rows = pq.read_table(manifest)
    prints = [file_fingerprint(manifest.parents[2] / name) for name in rows["file"].to_pylist()]
    place = rows.column_names.index("file_fingerprint")
    write_manifest(rows.set_column(place, "file_fingerprint", [prints]), manifest)
    return manifest, row


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_crop_that_cannot_be_read_stops_or_is_left_out(damaged, tmp_path, caplog, workers):
    manifest, bad = damaged
    leave(tmp_path / "run/NT_c23/seed0", COMPACT)
    with pytest.raises(CorruptCrop, match=r"row 2 of row group 0 of .*NT-test-000\.parquet"):
        score(tmp_path / "run", manifest, tmp_path / "s.parquet", workers=workers)
    assert not (tmp_path / "s.parquet").exists()
    found = score(tmp_path / "run", manifest, tmp_path / "s.parquet", corrupt="skip", workers=workers)
    table = read_manifest(manifest)
    kept = np.delete(np.arange(len(table)), bad)
    assert found["frame"].to_pylist() == table.frames[kept].tolist()
    assert found["video"].to_pylist() == table.strings("video")[kept].tolist()
    assert caplog.text.count("(skipped)") == 1


def test_leaving_out_decodes_no_crop_beforehand(damaged, tmp_path, monkeypatch):
    """All crops were once decoded in one process before a worker began."""
    manifest, _ = damaged
    leave(tmp_path / "run/NT_c23/seed0", COMPACT)
    decoded = []
    decode = CropDecoder._decode_one
    monkeypatch.setattr(
        CropDecoder, "_decode_one", lambda self, *a: (decoded.append(int(a[2].rows[a[3]])), decode(self, *a))[1]
    )
    score(tmp_path / "run", manifest, tmp_path / "s.parquet", corrupt="skip")
    assert sorted(decoded) == list(range(len(read_manifest(manifest))))


def test_clips_are_made_of_the_frames_that_can_be_read(damaged, tmp_path):
    """As if the frame that cannot be read had never been there."""
    manifest, bad = damaged
    leave(tmp_path / "run/NT_c23/seed0", TSN)
    found = score(tmp_path / "run", manifest, tmp_path / "s.parquet", corrupt="skip")
    rows = pq.read_table(manifest)
    write_manifest(rows.take(np.delete(np.arange(len(rows)), bad)), manifest)
    without = score(tmp_path / "run", manifest, tmp_path / "without.parquet")
    assert found.drop("score").equals(without.drop("score"))
    np.testing.assert_allclose(found["score"], without["score"], rtol=1e-6)  # in batches of other sizes


def test_a_folder_without_detectors_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="dvc repro train@nothing"):
        trained_folders(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"must have run\.json"):
        load_trained(tmp_path)


def test_pretrained_weights_are_not_requested_again_and_the_size_is_filled_in():
    frame = {"name": "xception", "pretrained": True, "weights": "cache", "image_size": None}
    entry = {"name": "tsn", "frame": frame, "segments": 3, "image_size": None}
    plain = {**frame, "pretrained": False, "weights": None, "image_size": 16}
    assert detector_arguments(entry, 16, pretrained=False) == {**entry, "frame": plain, "image_size": 16}
    assert detector_arguments(entry, 16)["frame"]["weights"] == "cache"
