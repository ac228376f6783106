"""Which checkout's code runs, and whether it is the code that was recorded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deepfake_adv.sources import checkout as module
from deepfake_adv.sources.checkout import ROOT, check_checkout, check_recorded, check_same, checkout_of, code_digest

PLAIN = [("method", "baseline"), ("detector", "compact")]


def test_the_code_that_runs_is_this_checkouts():
    assert Path(__file__).parents[2] == ROOT
    check_checkout(ROOT)
    check_checkout(ROOT / "tests" / "sources")


def test_outside_of_a_checkout_there_is_nothing_to_refuse(tmp_path):
    assert checkout_of(tmp_path) is None
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")  # some other project of the user's
    check_checkout(tmp_path)


def test_another_checkout_is_refused_in_one_sentence(checkout):
    (checkout.root / "data").mkdir()
    for here in (checkout.root, checkout.root / "data"):
        with pytest.raises(ValueError, match=r"deepfake_adv must be this checkout's own, .*; got .*\. In .* run `dvc"):
            check_checkout(here)


def test_a_worker_of_another_checkout_is_refused(tmp_path):
    check_same(ROOT)
    with pytest.raises(ValueError, match=r"deepfake_adv must be the same in every process, .*; got .* in a worker\."):
        check_same(tmp_path)


def test_a_digest_follows_the_stage_and_what_is_built():
    assert code_digest("crop") == code_digest("crop") != code_digest("extract")
    assert code_digest("train", PLAIN) != code_digest("train", [("method", "grad_sat"), PLAIN[1]])
    assert len(code_digest(Path(module.__file__).parents[1] / "datasets" / "probing.py")) == 16


def record(root, name, text):
    path = root / "data/sources" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_code_as_recorded_runs(tmp_path):
    check_recorded("crop", ["corpus", "c23"], tmp_path)  # nothing is recorded
    record(tmp_path, "crop", module.own_sources().listing(ROOT / "pipeline/crop.py"))
    check_recorded("crop", ["corpus", "c23"], tmp_path)


@pytest.mark.parametrize("name", ["train", "train/mine"])
def test_code_that_was_edited_since_is_refused(tmp_path, name):
    listing = module.own_sources().listing(ROOT / "pipeline/train.py", PLAIN)
    line = next(line for line in listing.splitlines() if line.endswith("methods/baseline.py"))
    record(tmp_path, name, listing.replace(line, f"{'0' * 16}  deepfake_adv/methods/baseline.py"))
    with pytest.raises(ValueError, match=r"must not change .*; got a changed deepfake_adv/methods/baseline\.py\."):
        check_recorded("train", ["mine"], tmp_path)
    check_recorded("crop", (), tmp_path)


def test_code_that_is_missing_is_refused(tmp_path):
    record(tmp_path, "crop", f"{'0' * 16}  deepfake_adv/data/no_more.py\n")
    with pytest.raises(ValueError, match=r"got a changed deepfake_adv/data/no_more\.py\. Run `dvc repro` again\."):
        check_recorded("crop", (), tmp_path)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of this repository; its environment is that of the checkout under test, as in a git worktree."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("deepfake_adv", "pipeline", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", folder)
    shutil.copy(ROOT / "profiles/demo.yaml", folder / "params.yaml")
    return folder


def run(folder, *command):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # as an installed package: behind the script's own folder
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)


def test_a_stage_runs_the_edited_code_of_its_own_checkout(clone):
    edited = clone / "deepfake_adv/evaluation/run.py"
    edited.write_text(f"{edited.read_text()}\nEDITED = True\n")
    done = run(clone, "-m", "pipeline.sources", "lists")
    assert done.returncode == 0, done.stderr
    own = module.Sources(clone)
    assert (clone / "lists/evaluate.txt").read_text() == own.listing(own.script("evaluate"))
    line = f"{own.digest(edited)}  deepfake_adv/evaluation/run.py"
    assert line in (clone / "lists/evaluate.txt").read_text()
    assert own.digest(edited) != module.Sources(ROOT).digest(ROOT / "deepfake_adv/evaluation/run.py")


@pytest.mark.parametrize(
    "command",
    [
        ["pipeline/sources.py", "lists"],
        ["-P", "-c", "from deepfake_adv.cli import main; main()", "check"],  # as the installed deepfake-adv starts
    ],
)
def test_an_entry_refuses_the_code_of_another_checkout(clone, command):
    done = run(clone, *command)
    assert done.returncode == 1
    assert "deepfake_adv must be this checkout's own" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(clone, "-m", "deepfake_adv", "check").returncode == 0
