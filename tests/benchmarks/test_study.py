"""How the study is carried out, with a project that does nothing."""

import json
from types import SimpleNamespace

import pytest

from benchmarks.study import __main__ as study


class Project:
    def __init__(self, folder, fails=False):
        self.folder, self.fails, self.steps = folder, fails, []

    def step(self, *words):
        self.steps.append(words)
        if self.fails and "train-all" in words:
            raise RuntimeError("a run failed")


@pytest.fixture
def params():
    run = SimpleNamespace(method="baseline", detector="lite0")
    return SimpleNamespace(runs={"first": run, "moved": run, "damaged": run, "last": run})


@pytest.fixture
def taken(monkeypatch):
    found = []

    def collect(folder, run, method, detector, results):
        if run == "moved":
            raise FileNotFoundError(run)
        if run == "damaged":
            raise ValueError("scores.parquet must be a file of scores")
        found.append(run)
        return True

    monkeypatch.setattr(study, "collect_run", collect)
    return found


def test_data_first_then_the_runs_and_what_has_ended_is_taken(tmp_path, params, taken, capsys):
    project = Project(tmp_path)
    study.carry_out(project, params, tmp_path / "results", jobs=2, only="first")
    assert project.steps == [
        ("deepfake_adv.execution.dvc_lock",),
        ("dvc", "repro", "shard"),
        ("deepfake_adv", "train-all", "--jobs", "2", "--only", "first"),
    ]
    assert taken == ["first", "last"]
    assert "damaged is not taken: scores.parquet must be" in capsys.readouterr().out


def test_one_run_that_fails_does_not_lose_the_others(tmp_path, params, taken):
    with pytest.raises(RuntimeError, match="a run failed"):
        study.carry_out(Project(tmp_path, fails=True), params, tmp_path / "results", jobs=None, only="")
    assert taken == ["first", "last"]


def test_runs_are_taken_while_others_train(tmp_path, params, taken, monkeypatch, until):
    monkeypatch.setattr(study, "EVERY", 0.01)

    class Slow(Project):
        def step(self, *words):
            if "train-all" in words:
                until(lambda: len(taken) >= 4)

    study.carry_out(Slow(tmp_path), params, tmp_path / "results", jobs=None, only="")
    assert len(taken) >= 6


def test_clips_are_linked_but_for_those_left_out(tmp_path):
    source, folder = tmp_path / "mine", tmp_path / "project"
    source.mkdir()
    folder.mkdir()
    for name in ("one.mp4", "two.mp4", "again.mp4"):
        (source / name).write_bytes(b"video")
    params = SimpleNamespace(corpus=SimpleNamespace(source="clips", folder="somewhere"))
    arguments = SimpleNamespace(clips=source, without=["again.mp4"])
    for _ in range(2):
        assert study._clips(folder, params, arguments) == {"corpus.folder": str(folder / "clips")}
    assert sorted(path.name for path in (folder / "clips").iterdir()) == ["one.mp4", "two.mp4"]
    assert (folder / "clips/one.mp4").read_bytes() == b"video"
    assert study._clips(folder, SimpleNamespace(corpus=SimpleNamespace(source="procedural")), arguments) == {}
    arguments.clips = tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError, match="clips must be a folder of videos"):
        study._clips(folder, params, arguments)


def test_runs_without_generators_leave_no_maps(tmp_path):
    study.collect_maps(tmp_path, "baseline", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_maps_of_each_seed_are_measured(tmp_path, monkeypatch):
    from deepfake_adv.studies import maps

    for seed in (0, 1):
        folder = tmp_path / f"data/runs/game/NT_c23/seed{seed}"
        folder.mkdir(parents=True)
        (folder / "generator.safetensors").touch()
    monkeypatch.setattr(maps, "map_statistics", lambda folder, manifest, frames: {"folder": folder.name, "n": frames})
    study.collect_maps(tmp_path, "game", tmp_path / "results")
    found = json.loads((tmp_path / "results/maps/game.json").read_text())
    assert found == [{"folder": "seed0", "n": 1}, {"folder": "seed1", "n": 1}]


def test_overrides_are_read_as_yaml():
    assert study._override("train.seeds=[0, 1]") == ("train.seeds", [0, 1])
    assert study._override("train.learning_rate=5e-4") == ("train.learning_rate", 5e-4)
