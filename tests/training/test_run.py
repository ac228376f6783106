"""A run from shards to weights: resumed anywhere it ends as if never stopped."""

import csv
import json
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from deepfake_adv.crops.record import record_metadata
from deepfake_adv.data.manifest import write_manifest
from deepfake_adv.detectors.compact import Compact
from deepfake_adv.files import sha256
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.training.run import train_run
from deepfake_adv.training.trainer import Trainer

METHODS = [{"name": "baseline"}, {"name": "two_gen_bat", "kernel_size": 3, "generator": {"blocks": 1, "width": 4}}]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.fixture
def die_at(monkeypatch):
    """Let every session end abruptly after so many steps."""
    run = Trainer.run

    def arm(step):
        def stop(done):
            if done == step:
                raise Killed

        monkeypatch.setattr(Trainer, "run", lambda self: run(self, after_step=stop))

    yield arm
    monkeypatch.setattr(Trainer, "run", run)


@pytest.fixture
def train(shards, tmp_path, make_device, monkeypatch):
    def go(plan, output="out", **place):
        times = tmp_path / f"{output}-times"
        train_run(plan, shards, tmp_path / output, device=make_device(**place), times=times, work=tmp_path / "work")
        return tmp_path / output

    return go


def results(folder):
    rows = list(csv.DictReader((folder / "log.csv").open(encoding="utf-8")))
    return rows


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def same_weights(left, right):
    pairs = [(load_file(folder / "detector.safetensors")) for folder in (left, right)]
    return all(torch.equal(pairs[0][name], pairs[1][name]) for name in pairs[0])


def test_a_run_leaves_weights_log_and_provenance_per_condition_and_seed(train, make_plan):
    plan = make_plan(conditions=("NT_raw", "NT_c23"), seeds=[0, 1])
    out = train(plan)
    assert sorted(path.relative_to(out).as_posix() for path in out.glob("*/*")) == [
        "NT_c23/seed0", "NT_c23/seed1", "NT_raw/seed0", "NT_raw/seed1"
    ]  # fmt: skip
    folder = out / "NT_c23/seed1"
    assert {path.name for path in folder.iterdir()} == {
        "detector.safetensors", "generator.safetensors", "log.csv", "run.json", "reference.json",
        "reference.safetensors",
    }  # fmt: skip
    record = json.loads((folder / "run.json").read_text())
    assert record["params"]["method"]["name"] == "two_gen_bat"
    assert record["seed"] == 1
    assert record["epochs"] == 2
    assert record["code"] == code_digest("train", [("method", "two_gen_bat"), ("detector", "compact")])
    assert set(record["data"]) == {"train", "val"}
    assert "torch" in record["versions"]
    assert record["faces"] == {}  # the manifest does not say how its crops were made
    assert record["files"] == {name: sha256(folder / name) for name in record["files"]}
    assert set(record["files"]) == {path.name for path in folder.iterdir()} - {"log.csv", "run.json"}
    assert record["training_data"]["corpus/c23"]["videos"] == {"real": 4, "NT": 4}
    log = results(folder)
    assert [float(row["lr"]) for row in log] == pytest.approx([0.01, 0.001])
    assert [float(row["adversary_lr"]) for row in log] == pytest.approx([0.002, 0.0002])
    assert [row["step"] for row in log] == ["3", "6"]
    assert not same_weights(folder, out / "NT_c23/seed0")


def test_the_detector_hears_of_every_epochs_end(train, make_plan, monkeypatch):
    heard = []
    monkeypatch.setattr(Compact, "end_epoch", lambda self: heard.append(self))
    train(make_plan(METHODS[0], epochs=3))
    assert len(heard) == 3


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["name"])
@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_run_that_dies_anywhere_ends_as_if_it_had_not(train, make_plan, die_at, method, step, monkeypatch):
    plan = make_plan(method, conditions=("NT_raw", "NT_c23"))
    whole = train(plan, "whole", checkpoint_steps=2)
    with monkeypatch.context():
        die_at(step)
        with pytest.raises(Killed):
            train(plan, "resumed", checkpoint_steps=2)
    monkeypatch.undo()
    resumed = train(plan, "resumed", checkpoint_steps=2)
    for condition in ("NT_raw", "NT_c23"):
        left, right = whole / condition / "seed0", resumed / condition / "seed0"
        assert results(left) == results(right)
        assert same_weights(left, right)
    assert content(whole) == content(resumed)


@pytest.mark.parametrize("dvclive", [False, True])
def test_two_trainings_leave_the_same_bytes_whatever_the_clock_says(train, make_plan, monkeypatch, tmp_path, dvclive):
    monkeypatch.chdir(tmp_path)  # DVCLive looks for a repository from here
    first = train(make_plan(), "first", dvclive=dvclive)
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: 7 * clock() + 1000)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    second = train(make_plan(), "second", dvclive=dvclive)
    assert content(first) == content(second)
    assert (Path("NT_c23/seed0/dvclive/metrics.json") in content(first)) == dvclive


def test_when_and_how_fast_is_written_apart_also_over_a_kill(train, make_plan, die_at, monkeypatch, tmp_path):
    with monkeypatch.context():
        die_at(5)
        with pytest.raises(Killed):
            train(make_plan())
    monkeypatch.undo()
    train(make_plan())
    rows = list(csv.DictReader((tmp_path / "out-times/NT_c23/seed0.csv").open(encoding="utf-8")))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[0]["seconds"]) <= float(rows[1]["seconds"])
    assert all(float(row["images_per_s"]) > 0 and row["finished"].endswith("+00:00") for row in rows)


def test_another_weight_file_is_another_run(shards, tmp_path, make_plan, make_device, die_at, monkeypatch, caplog):
    def go(digest):
        train_run(
            make_plan(), shards, tmp_path / "out",
            device=make_device(), inputs={"detector.weights": digest}, work=tmp_path / "work",
        )  # fmt: skip

    with monkeypatch.context():
        die_at(5)
        with pytest.raises(Killed):
            go("a")
    monkeypatch.undo()
    caplog.set_level("INFO")
    go("b")
    assert "continues" not in caplog.text
    assert json.loads((tmp_path / "out/NT_c23/seed0/run.json").read_text())["inputs"] == {"detector.weights": "b"}


def test_where_and_how_fast_decides_nothing(train, make_plan):
    left = train(make_plan(), "a", cache="memory", checkpoint_steps=1)
    right = train(make_plan(), "b", cache="none")
    assert results(left / "NT_c23/seed0") == results(right / "NT_c23/seed0")


@pytest.mark.slow
def test_workers_decide_nothing(train, make_plan):
    left, right = train(make_plan(), "a", cache="none"), train(make_plan(), "b", cache="none", workers=1)
    assert results(left / "NT_c23/seed0") == results(right / "NT_c23/seed0")


def test_leftovers_of_other_params_are_not_taken_up(train, make_plan, die_at, monkeypatch, tmp_path, caplog):
    die_at(4)
    with pytest.raises(Killed):
        train(make_plan(learning_rate=0.5))
    monkeypatch.undo()
    caplog.set_level("INFO")
    train(make_plan())
    assert "continues" not in caplog.text


def test_early_stop_ends_after_so_many_epochs_without_a_better_one(train, make_plan, monkeypatch):
    scores = iter([(0.6, 0.6), (0.8, 0.5), (0.8, 0.4), (0.7, 0.9), (0.9, 0.9)])
    from deepfake_adv.training.validate import Validation

    monkeypatch.setattr(Trainer, "validate", lambda self: Validation(*next(scores)))
    out = train(make_plan(epochs=5, early_stop=2))
    record = json.loads((out / "NT_c23/seed0/run.json").read_text())
    assert record["epochs"] == 4
    assert record["best"] == {"epoch": 1, "accuracy": 0.8, "auc": 0.5}


def test_a_loss_that_is_not_finite_names_run_epoch_and_step_and_keeps_the_last_checkpoint(
    train, make_plan, tmp_path, monkeypatch
):
    from deepfake_adv.training.step import TrainingStep

    step = TrainingStep.run

    def poisoned(self, batch, number):
        losses = step(self, batch, number)
        return losses | ({"loss": torch.tensor(float("nan"))} if number == 4 else {})

    monkeypatch.setattr(TrainingStep, "run", poisoned)
    with pytest.raises(FloatingPointError, match=r"loss is nan at step 5, in epoch 2 of tiny NT_c23 seed 0\. The last"):
        train(make_plan())
    assert len(list((tmp_path / "work").glob("*/NT_c23/seed0/checkpoint.pt"))) == 1


@pytest.mark.parametrize("method", ["two_gen_bat", "grad_bat", "grad_aat"])
def test_players_that_diverge_name_run_epoch_and_step_whatever_meets_it_first(train, make_plan, method):
    with pytest.raises(
        FloatingPointError, match=r"(loss is|sigma with) .* at step \d+, in epoch 1 of tiny NT_c23 seed"
    ):
        train(make_plan({"name": method}, learning_rate=1e30, adversary_learning_rate=1e30, steps_per_epoch=9))


def test_the_log_is_complete_before_the_checkpoint_that_ends_a_run(train, make_plan, monkeypatch):
    def killed(*_):
        raise Killed

    monkeypatch.setattr("deepfake_adv.training.trainer.Trainer._finish", killed)
    with pytest.raises(Killed):
        train(make_plan())
    monkeypatch.undo()
    out = train(make_plan())
    assert len((out / "NT_c23/seed0/log.csv").read_text().splitlines()) == 1 + make_plan().train.epochs


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"image_size": 24, "detector": {"width": 4, "image_size": 12}}, r"image_size: .* equal to 16; got 12"),
        ({"detector": {"name": "compct"}}, "Did you mean 'compact'"),
        ({"batch_size": 6, "accumulate": 2}, r"train\.batch_size must be a multiple of 4"),
        ({"conditions": ("DF_c23",)}, "must have fake crops"),
        ({"method": {"name": "two_gen_bta"}}, "Did you mean"),
    ],
)
def test_errors_are_reported_before_the_first_step(train, make_plan, plan, words, monkeypatch):
    monkeypatch.setattr(Trainer, "run", lambda self: pytest.fail("trained"))
    with pytest.raises(ValueError, match=words):
        train(make_plan(**plan))


@pytest.mark.parametrize("lost", ["players", "history", None])
def test_a_checkpoint_that_lacks_something_is_refused(train, make_plan, die_at, tmp_path, monkeypatch, lost):
    plan = make_plan()
    with monkeypatch.context():
        die_at(1)
        with pytest.raises(Killed):
            train(plan, checkpoint_steps=1)
    (path,) = (tmp_path / "work").rglob("checkpoint.pt")
    content = torch.load(path, weights_only=True)
    content["state"] = {key: value for key, value in content["state"].items() if lost and key != lost}
    torch.save(content, path)
    with pytest.raises(ValueError, match=f"'{lost or 'players'}' is missing or wrong. Delete it to start"):
        train(plan, checkpoint_steps=1)


def test_run_json_says_what_the_manifest_says_of_how_crops_were_made(make_plan, make_shards, make_device, tmp_path):
    folder = make_shards()
    faces = {"crop": {"margin": 1.7, "encoding": "png", "masks": True}}
    for split in ("train", "val"):
        table = pq.read_table(folder / f"{split}.parquet")
        write_manifest(table.replace_schema_metadata(record_metadata(faces)), folder / f"{split}.parquet")
    train_run(make_plan(), folder, tmp_path / "out", device=make_device(), work=tmp_path / "work")
    (record,) = (json.loads(path.read_text()) for path in (tmp_path / "out").glob("*/*/run.json"))
    assert record["faces"] == faces
