"""What is left beside the weights to hold a detector's later answers against."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from deepfake_adv.crops.record import FEATURES, REFERENCE, record_metadata
from deepfake_adv.data.manifest import read_manifest, select, write_manifest
from deepfake_adv.files import sha256
from deepfake_adv.names import Condition
from deepfake_adv.training import reference
from deepfake_adv.training.reference import describe_data
from deepfake_adv.training.run import train_run
from deepfake_adv.training.score import score_run

TSN = {"name": "tsn", "segments": 3, "frame": {"name": "compact", "width": 4}}


@pytest.fixture
def train(shards, tmp_path, make_device):
    def go(plan, manifests=shards):
        train_run(plan, manifests, tmp_path / "out", device=make_device(), work=tmp_path / "work")
        return tmp_path / "out/NT_c23/seed0"

    return go


def test_validation_videos_are_scored_by_the_best_weights(train, make_plan, shards, tmp_path):
    folder = train(make_plan({"name": "baseline"}, epochs=3, validation_frames=0))
    videos = json.loads((folder / REFERENCE).read_text())["videos"]
    assert [(one["video"], one["target"], one["label"], one["frames"]) for one in videos] == [
        ("real/val000", "val000", 0, 8), ("real/val001", "val001", 0, 8),
        ("NT/val000", "val000", 1, 8), ("NT/val001", "val001", 1, 8),
    ]  # fmt: skip
    score_run(tmp_path / "out", shards / "val.parquet", tmp_path / "scores.parquet", batch_size=8)
    scores = pd.read_parquet(tmp_path / "scores.parquet").query("quality == 'c23'").groupby("video")["score"].mean()
    assert {one["video"]: one["score"] for one in videos} == pytest.approx(scores.to_dict(), rel=1e-6)
    record = json.loads((folder / "run.json").read_text())
    assert {name: sha256(folder / name) for name in (REFERENCE, FEATURES)}.items() <= record["files"].items()


@pytest.mark.parametrize("detector", [None, TSN])
def test_features_are_those_of_a_few_frames_of_each_video(train, make_plan, monkeypatch, detector):
    monkeypatch.setattr(reference, "PER_VIDEO", 3)
    plan = make_plan({"name": "baseline"}, validation_frames=6)
    folder = train(replace(plan, detector=detector or plan.detector))
    found = load_file(folder / FEATURES)
    assert found["features"].shape == (12, 16)
    assert found["features"].dtype == np.float16
    assert found["video"].tolist() == np.repeat(range(4), 3).tolist()
    assert (found["features"] > 0).any(axis=1).all()


def test_many_videos_keep_as_many_features_as_there_is_room_for(train, make_plan, monkeypatch):
    monkeypatch.setattr(reference, "MOST", 3)
    found = load_file(train(make_plan({"name": "baseline"})) / FEATURES)
    assert len(found["features"]) == 3
    assert len(set(found["video"].tolist())) == 3


def test_data_are_described_by_dataset_and_quality(make_shards):
    path = make_shards(qualities=("raw", "c23"), tier="all") / "train.parquet"
    table = read_manifest(path)
    media = {"corpus/c23": {"origin": "procedural", "codecs": {"h264": 8}}, "other/c23": {"origin": ""}}
    write_manifest(pq.read_table(path).replace_schema_metadata(record_metadata({"media": media})), path)
    table = read_manifest(path)
    found = describe_data(table, select(table, Condition.parse("NT_c23")))
    assert list(found) == ["corpus/c23"]
    assert found["corpus/c23"]["videos"] == {"real": 4, "NT": 4}
    assert found["corpus/c23"]["origin"] == "procedural"
    assert len(found["corpus/c23"]["face_px"]) == 5
    assert set(describe_data(table, select(table, Condition.parse("NT_all")))) == {"corpus/c23", "corpus/raw"}
