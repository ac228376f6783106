"""Files that params name are inputs: another content under the same name shows."""

import json
import os
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deepfake_adv.inputs import paths_named, record_inputs, unchanged

ROOT = Path(__file__).parents[1]


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"first")
    return path


@pytest.fixture
def record(tmp_path):
    def go(entries):
        record_inputs(entries, tmp_path / "inputs", cache=tmp_path / "memory.json")
        return {path.stem: json.loads(path.read_text()) for path in (tmp_path / "inputs").rglob("*.json")}

    return go


def detector(path):
    return {"detector": {"name": "xception", "weights": str(path)}}


def test_every_file_that_an_entry_names_is_found(tmp_path):
    entry = {
        "detector": {"name": "tsn", "frame": {"name": "ffd", "weights": "a.pth", "templates": "t.npz"}},
        "method": {"synthesizer": {"weights": "s.pth"}, "weights": {"map": 0.1}},
    }
    assert set(paths_named(entry)) == {
        "detector.frame.weights",
        "detector.frame.templates",
        "method.synthesizer.weights",
    }
    assert paths_named(detector(tmp_path)) == {}  # the hub's cache
    assert paths_named(detector("package")) == {}


def test_a_runs_folder_is_known_by_its_weights(record, tmp_path):
    run = tmp_path / "run/NT_c23/seed0"
    run.mkdir(parents=True)
    (run / "detector.safetensors").write_bytes(b"first")
    before = record({"runs/a": detector(run)})["a"]["detector.weights"]
    assert before["name"] == "seed0"
    (run / "log.csv").write_text("epoch\n")
    assert record({"runs/a": detector(run)})["a"]["detector.weights"] == before
    (run / "detector.safetensors").write_bytes(b"other")
    assert record({"runs/a": detector(run)})["a"]["detector.weights"] != before


def test_another_file_under_the_same_name_changes_the_record_of_its_runs_alone(record, weights):
    entries = {"runs/a": detector(weights), "runs/b": {"detector": {"weights": None}}}
    before = record(entries)
    assert record(entries) == before
    weights.write_bytes(b"other")
    after = record(entries)
    assert after["a"]["detector.weights"]["digest"] != before["a"]["detector.weights"]["digest"]
    assert after["b"] == before["b"] == {}


def test_another_place_of_the_same_file_changes_nothing(record, weights, tmp_path):
    before = record({"runs/a": detector(weights)})
    moved = tmp_path / "elsewhere" / weights.name
    moved.parent.mkdir()
    os.rename(weights, moved)
    assert record({"runs/a": detector(moved)}) == before


@pytest.mark.parametrize("edit", ["replace", "add", "remove"])
def test_a_folder_is_known_by_the_files_in_it(record, tmp_path, edit):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(name.encode())
    before = record({"corpus": {"folder": str(folder)}})
    (folder / ".hidden").write_bytes(b"")
    assert record({"corpus": {"folder": str(folder)}}) == before
    if edit == "remove":
        (folder / "a.mp4").unlink()
    else:
        (folder / ("a.mp4" if edit == "replace" else "c.mp4")).write_bytes(b"another")
    assert record({"corpus": {"folder": str(folder)}}) != before


def test_every_missing_file_is_named_before_anything_trains(record, weights, tmp_path):
    entries = {"runs/a": detector(tmp_path / "no.pth"), "runs/b": detector(tmp_path / "none.pth")}
    with pytest.raises(FileNotFoundError, match=r"must exist; found nothing .*\n.*no\.pth\n.*none\.pth"):
        record(entries | {"runs/c": detector(weights)})


def test_a_clone_without_the_file_keeps_what_was_made_from_it(record, weights, caplog):
    before = record({"runs/a": detector(weights)})
    weights.unlink()
    assert record({"runs/a": detector(weights)}) == before
    assert "results made from it are kept" in caplog.text
    with pytest.raises(FileNotFoundError):
        record({"runs/a": detector(weights.with_name("renamed.pth"))})


def test_records_of_removed_runs_go(record, weights):
    record({"runs/a": detector(weights), "runs/b": {}})
    assert set(record({"runs/b": {}})) == {"b"}


@pytest.mark.parametrize("damage", ["[]", "{", ""])
def test_a_damaged_record_or_cache_is_written_again(record, weights, tmp_path, damage):
    before = record({"runs/a": detector(weights)})
    (tmp_path / "inputs/runs/a.json").write_text(damage)
    (tmp_path / "memory.json").write_text(damage)
    assert record({"runs/a": detector(weights)}) == before


def test_a_file_that_changed_since_it_was_recorded_is_refused(record, weights, tmp_path):
    found = record({"runs/a": detector(weights)})["a"]["detector.weights"]
    path = tmp_path / "inputs/runs/a.json"
    assert unchanged(path, detector(weights)) == {"detector.weights": found["digest"]}
    weights.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"detector\.weights must be the file that .* Run `dvc repro` again"):
        unchanged(path, detector(weights))
    weights.unlink()
    with pytest.raises(ValueError, match="got nothing at"):
        unchanged(path, detector(weights))
    with pytest.raises(FileNotFoundError):
        unchanged(path.with_name("b.json"), detector(weights))


def test_a_recipe_other_than_the_recorded_one_is_refused(tmp_path):
    record_inputs({}, tmp_path, values={"a": {"train": {"epochs": 2}}, "b": {}}, cache=tmp_path / "cache.json")
    assert unchanged(tmp_path / "a.json", {}, {"train": {"epochs": 2}}) == {}
    assert unchanged(tmp_path / "b.json", {}, {"train": {}}) == {}
    for name, recipe in (("a", {"epochs": 3}), ("a", {}), ("b", {"epochs": 2})):
        with pytest.raises(ValueError, match=r"train must be what .* records"):
            unchanged(tmp_path / f"{name}.json", {}, {"train": recipe})


@pytest.fixture
def params(tmp_path, monkeypatch, weights):
    """The demo's params with a run from a weight file, a synthesizer from another, and clips of the user's."""
    content = YAML(typ="safe").load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    frame = {"name": "timm:test_resnet", "pretrained": True, "weights": str(weights), "dropout": 0.0, "drop_path": 0.0}
    frame["batchnorm_momentum"] = None
    frame |= {"image_size": None}
    content["detectors"]["clips"] = {"name": "tsn", "segments": 2, "image_size": None, "frame": frame}
    content["methods"]["sladd"]["synthesizer"] |= {
        "backbone": "xception", "pretrained": True, "weights": str(tmp_path / "synthesizer.pth"),
    }  # fmt: skip
    own = {"train": {"epochs": 7}, "test": {"conditions": ["NT_c23"], "frames": 2}}
    content["runs"]["of_clips"] = {**content["runs"]["compact_baseline"], "detector": "clips", **own}
    (tmp_path / "synthesizer.pth").write_bytes(b"s")
    (tmp_path / "clips").mkdir()
    content["corpus"] |= {"source": "clips", "folder": str(tmp_path / "clips")}
    with open(tmp_path / "params.yaml", "w", encoding="utf-8") as stream:
        YAML().dump(content, stream)
    (tmp_path / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return content


def test_the_stage_records_what_every_run_the_corpus_and_the_attack_start_from(params, tmp_path):
    import_module("pipeline.inputs").main(tmp_path / "data/inputs")
    found = {path.relative_to(tmp_path / "data/inputs").as_posix(): json.loads(path.read_text())
             for path in (tmp_path / "data/inputs").rglob("*.json")}  # fmt: skip
    per_run = {f"{kind}/{name}.json" for kind in ("runs", "tests") for name in params["runs"]}
    frames = {f"frames/{name}.json": dataset["frames"] for name, dataset in params["datasets"].items()}
    assert {name: found.pop(name) for name in frames} == frames
    assert set(found) == {"corpus.json", "attack.json", *per_run}
    inputs = {name: set(record) - {"train"} for name, record in found.items() if not name.startswith("tests/")}
    assert {name: keys for name, keys in inputs.items() if keys} == {
        "corpus.json": {"corpus.folder"},
        "runs/of_clips.json": {"detector.frame.weights"},
        "runs/compact_sladd.json": {"method.synthesizer.weights"},
    }
    assert found["runs/of_clips.json"]["train"] == {"epochs": 7}
    assert found["tests/of_clips.json"] == {"conditions": ["NT_c23"], "frames": 2}
