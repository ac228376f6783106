"""The rehearsal of the paper profile, up to its first stage: what is fabricated, overridden and counted."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks.rehearsal import fabricate, project
from benchmarks.rehearsal.overrides import OVERRIDES, apply
from benchmarks.rehearsal.project import Project, read_lines
from benchmarks.rehearsal.results import by_stage, disk, full_tables
from deepfake_adv.reporting.specs import load_specs

ROOT = Path(__file__).parents[2]


def paper():
    return YAML(typ="safe").load((ROOT / "profiles/paper.yaml").read_text(encoding="utf-8"))


def test_only_sizes_are_overridden():
    content = paper()
    changed = apply(content)
    sections = {key.partition(".")[0] for key in changed}
    assert not sections & {"runs", "parts", "tiers", "tables", "profile", "corpus", "crop", "shard", "score"}
    assert content["runs"] == paper()["runs"]
    assert len(content["runs"]) == 102
    assert not any(str(key).endswith("pretrained") and value for key, value in changed.items())
    assert content["detectors"]["tsn"]["frame"]["pretrained"] is False
    assert content["methods"]["sladd"]["weights"] == paper()["methods"]["sladd"]["weights"]
    differing = apply(content, {"profile": "paper"})  # a second time nothing is left to do
    assert differing == {}


def test_an_override_that_meets_no_key_is_an_error():
    content = paper()
    del content["train"]["steps_per_epoch"]
    content["attack"]["images"]["number"] = content["attack"]["images"].pop("count")
    with pytest.raises(ValueError, match=r"must name a key .* got train\.steps_per_epoch, attack\.images\.count\."):
        apply(content)


def test_every_override_changes_or_guards_something():
    """A pattern may find its value already there (`*.weights`: null); all others must change the profile."""
    idle = [pattern for pattern in OVERRIDES if not apply(paper(), {pattern: OVERRIDES[pattern]})]
    assert idle == ["*.weights"]


@pytest.fixture
def tables(tmp_path):
    """Every table with one measured cell and one that the paper does not have."""
    for spec in load_specs():
        lines = ["row,column,state,value", "a,x,measured,50", "a,y,none,"]
        (tmp_path / f"{spec.file}.csv").write_text("\n".join([*lines, ""]))
    return tmp_path


def test_tables_count_once_every_cell_is_measured(tables):
    full, others = full_tables(tables)
    assert (len(full), others) == (16, [])
    with open(tables / "table_03.csv", "a") as stream:
        stream.write("b,x,not run,\n")
    (tables / "table_07.csv").unlink()
    (tables / "table_09.csv").write_text("row,column,state,value\n")
    (tables / "tsn.csv").unlink()  # none of the sixteen
    full, others = full_tables(tables)
    assert len(full) == 13
    assert [fault.partition(":")[0] for fault in others] == ["Table III", "Table VII", "Table IX"]
    assert "1 of 2 cells; without b / x" in others[0]


def test_what_runs_took_is_added_up_by_stage():
    usage = [
        {"stage": "train@a", "wall_s": 0.5, "cpu_s": 0.5, "peak_mb": 9.0},  # killed, and run again
        {"stage": "train@a", "wall_s": 1.0, "cpu_s": 2.0, "peak_mb": 30.0},
        {"stage": "train@b", "wall_s": 2.0, "cpu_s": 3.5, "peak_mb": 20.0},
        {"stage": "outside/dvc.yaml:inventory", "wall_s": 2.0, "cpu_s": 3.0, "peak_mb": 1.0},
        {"stage": "outside/dvc.yaml:inventory", "wall_s": 1.0, "cpu_s": 1.0, "peak_mb": 1.0},  # nothing is new
    ]
    found = by_stage(usage, {"train@a": 5, "train@b": 6})
    assert found["train"] == {"wall_s": 3.0, "cpu_s": 5.5, "peak_mb": 30.0, "bytes": 11, "count": 2}
    assert (found["inventory"]["cpu_s"], found["inventory"]["count"]) == (3.0, 1)


def test_a_file_with_two_links_takes_its_disk_once(tmp_path):
    (tmp_path / "a").write_bytes(bytes(1 << 16))
    before = disk(tmp_path)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert disk(tmp_path) == before >= 1 << 16


def test_a_copy_follows_its_source_and_keeps_what_dvc_left(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    for name in ("a.py", "deep/b.py", "gone.py"):
        (source / name).write_text(name)
    project._mirror(source, target)
    (target / "dvc.lock").write_text("lock")
    dated = (target / "a.py").stat().st_mtime_ns
    (source / "gone.py").unlink()
    (source / "deep/b.py").write_text("edited")
    project._mirror(source, target)
    assert {path.name for path in target.rglob("*") if path.is_file()} == {"a.py", "b.py", "dvc.lock"}
    assert (target / "deep/b.py").read_text() == "edited"
    assert (target / "a.py").stat().st_mtime_ns == dated


def test_a_step_that_fails_says_what_to_do(tmp_path):
    with pytest.raises(RuntimeError, match="no_such_module must succeed in the rehearsal; got exit code 1"):
        Project(tmp_path).step("no_such_module")
    assert [step["step"] for step in read_lines(tmp_path / "steps.jsonl")] == ["no_such_module"]


def test_a_folder_of_the_users_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(
        ValueError, match=r"must be an empty one, or that of an earlier rehearsal; got .*something else"
    ):
        Project(tmp_path)
    with pytest.raises(ValueError, match="must be an empty one"):
        Project(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_has_one_rehearsal_at_a_time(tmp_path):
    first = Project(tmp_path / "new")
    with pytest.raises(ValueError, match="must have one rehearsal at a time; another works in"):
        Project(first.folder)
    del first
    Project(tmp_path / "new")


WAIT = """
import os, time
from pathlib import Path
Path("pid").write_text(str(os.getpid()))
time.sleep(60)
"""
CALL = """
import sys
from pathlib import Path
from benchmarks.rehearsal.project import Project
Project(Path(sys.argv[1])).call("wait")
"""


def test_a_folder_is_taken_while_a_killed_rehearsals_dvc_works_on(tmp_path):
    Project(tmp_path)
    (tmp_path / "wait.py").write_text(WAIT)
    with subprocess.Popen([sys.executable, "-c", CALL, str(tmp_path)], cwd=ROOT) as rehearsal:
        until = time.monotonic() + 120
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert rehearsal.poll() is None
            if time.monotonic() > until:  # it would wait for ever
                pytest.fail("it did not begin")
            time.sleep(0.05)
        rehearsal.kill()
    with pytest.raises(ValueError, match="must have one rehearsal at a time"):
        Project(tmp_path)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A rehearsal's folder, before its first stage."""
    made = Project(tmp_path_factory.mktemp("rehearsal"))
    made.prepare()
    fabricate.fabricate(made.folder / "datasets", made.folder / "work")
    return made


def call(made, *words):
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=made.folder, env=made.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_layouts_find_what_was_fabricated(made):
    call(made, "pipeline.inventory", "data/inventory")
    for name, part in paper()["parts"].items():
        path = made.folder / f"data/inventory/{part['dataset']}/{part['quality']}.csv"
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert Counter(row["forgery"] for row in rows) == fabricate.EXPECTED[part["dataset"]], name
        assert {row["status"] for row in rows} == {"ok"}, name
        fakes = [row for row in rows if row["label"] == "1" and part["dataset"] != "celebdf"]
        assert all((made.folder / "datasets/FaceForensics++" / row["mask_path"]).is_file() for row in fakes)
        splits = {row["split"] for row in rows}
        assert splits == ({"train", "val", "test"} if part["dataset"] == "ffpp" else splits - {"train", "val"})
    imagenet = made.folder / "datasets/imagenet/val"
    assert len([folder for folder in imagenet.iterdir() if list(folder.glob("*.JPEG"))]) == 1000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_params_that_are_derived_resolve_and_name_every_run(made):
    before = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*.mp4")}
    made.prepare()
    fabricate.fabricate(made.folder / "datasets", made.folder / "work")  # as a call after a kill does
    assert {path: path.stat().st_mtime_ns for path in made.folder.rglob("*.mp4")} == before
    said = call(made, "deepfake_adv", "check")
    assert "profile paper, 5 parts, 102 runs" in said
    assert "no errors found" in said
    assert "16 of 16 tables covered." in call(made, "deepfake_adv", "plan")
