"""A seed or a condition more trains that one alone, and leaves the bytes of a fresh build."""

import json
import shutil
from dataclasses import replace

import pytest

from deepfake_adv.names import Condition
from deepfake_adv.training.run import train_run
from deepfake_adv.training.trainer import Trainer


class Kept:
    """An earlier output in a folder, as DVC's cache would give it."""

    def __init__(self, folder):
        self.folder = folder

    def files(self):
        return {path.relative_to(self.folder).as_posix(): "" for path in self.folder.rglob("*") if path.is_file()}

    def copy(self, folder, target):
        shutil.copytree(self.folder / folder, target)
        return True


class Lost(Kept):
    def copy(self, folder, target):
        target.mkdir()
        return False


@pytest.fixture
def trained(monkeypatch):
    """Folders of the detectors that were really trained."""
    found, run = [], Trainer.run

    def count(self, **options):
        found.append(f"{self.condition}/seed{self.seed}")
        run(self, **options)

    monkeypatch.setattr(Trainer, "run", count)
    return found


@pytest.fixture
def train(shards, tmp_path, make_device):
    def go(plan, output, earlier=None, **options):
        train_run(
            plan, shards, tmp_path / output, device=make_device(), work=tmp_path / "work", earlier=earlier, **options
        )
        return tmp_path / output

    return go


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ({"seeds": [0]}, {"seeds": [0, 1]}, ["NT_c23/seed1"]),
        ({"seeds": [0, 1]}, {"seeds": [1]}, []),
        ({}, {"conditions": ("NT_raw", "NT_c23")}, ["NT_raw/seed0"]),
        ({"conditions": ("NT_raw", "NT_c23")}, {}, []),
    ],
    ids=["a seed more", "a seed less", "a condition more", "a condition less"],
)
def test_only_what_is_new_is_trained_and_the_bytes_are_a_fresh_builds(
    train, trained, make_plan, tmp_path, before, after, new
):
    fresh = train(make_plan(**after), "fresh")
    train(make_plan(**before), "before")
    trained.clear()
    out = train(make_plan(**after), "out", Kept(tmp_path / "before"))
    assert trained == new
    assert content(out) == content(fresh)


@pytest.mark.parametrize("what", ["params", "code", "inputs", "data"])
def test_what_was_made_otherwise_is_trained_again(train, trained, make_plan, tmp_path, what):
    train(make_plan(), "before")
    path = tmp_path / "before/NT_c23/seed0/run.json"
    record = json.loads(path.read_text())
    record[what] = "other" if what == "code" else {**record[what], "other": "1"}
    path.write_text(json.dumps(record))
    trained.clear()
    train(make_plan(seeds=[0, 1]), "out", Kept(tmp_path / "before"))
    assert trained == ["NT_c23/seed0", "NT_c23/seed1"]


@pytest.mark.parametrize("spoil", ["not JSON", "lost"])
def test_what_is_damaged_is_trained_again(train, trained, make_plan, tmp_path, spoil):
    train(make_plan(), "before")
    earlier = Lost(tmp_path / "before") if spoil == "lost" else Kept(tmp_path / "before")
    if spoil != "lost":
        (tmp_path / "before/NT_c23/seed0/run.json").write_text("{")
    trained.clear()
    out = train(make_plan(seeds=[0, 1]), "out", earlier)
    assert trained == ["NT_c23/seed0", "NT_c23/seed1"]
    assert sorted(path.name for path in (out / "NT_c23").iterdir()) == ["seed0", "seed1"]
    assert [path.name for path in out.iterdir()] == ["NT_c23"]


def test_who_forces_the_same_run_again_gets_it_trained_again(train, trained, make_plan, tmp_path):
    train(make_plan(), "before")
    trained.clear()
    train(make_plan(), "out", Kept(tmp_path / "before"))
    assert trained == ["NT_c23/seed0"]


def test_a_kill_and_then_a_seed_more_lose_no_finished_detector(train, trained, make_plan, monkeypatch):
    run = Trainer.run

    def die(self, **options):
        if self.seed == 1:
            raise KeyboardInterrupt
        run(self, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", die)
        with pytest.raises(KeyboardInterrupt):
            train(make_plan(seeds=[0, 1]), "out")
    trained.clear()
    out = train(make_plan(seeds=[0, 2]), "out")
    assert trained == ["NT_c23/seed2"]
    assert sorted(path.name for path in (out / "NT_c23").iterdir()) == ["seed0", "seed2"]


def test_a_detectors_plan_does_not_name_its_siblings(make_plan):
    plan = make_plan(conditions=("NT_raw", "NT_c23"), seeds=[0, 1])
    alone = plan.alone(Condition.parse("NT_c23"), 1)
    assert alone.params()["conditions"] == ["NT_c23"]
    assert alone.train.seeds == [1]
    assert replace(alone, conditions=plan.conditions, train=plan.train) == plan
