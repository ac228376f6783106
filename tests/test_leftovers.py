"""What a removed run left goes; what the user made, or changed, stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepfake_adv.leftovers import clear_leftovers, strangers

ROOT = Path(__file__).parents[1]
STAGES = {
    "corpus": {"cmd": "x", "outs": ["data/corpus"]},
    "crop": {
        "foreach": "${parts}",
        "do": {"cmd": "x", "outs": [{"data/crops/${item.dataset}/${item.quality}": {"push": False}}]},
    },
    "studied": {"foreach": "${robustness.runs}", "do": {"cmd": "x", "outs": ["data/studied/${item}.json"]}},
    "evaluate": {
        "foreach": "${runs}",
        "do": {"cmd": "x", "metrics": ["m/${key}.json"], "plots": [{"roc/${key}.csv": {"x": "fpr"}}]},
    },
}
PARAMS = {
    "parts": {"a_raw": {"dataset": "a", "quality": "raw"}},
    "runs": {"one": {}},
    "robustness": {"runs": ["one"]},
}


def test_what_no_item_names_is_found_in_every_place(tmp_path):
    named = ["data/crops/a/raw/x", "data/studied/one.json", "m/one.json", "roc/one.csv", "data/corpus/x"]
    strange = ["data/crops/a/c23/x", "data/crops/b/raw/x", "data/studied/two.json", "m/two.json", "roc/two.csv"]
    for name in [*named, *strange, "m/notes.txt", "m/.hidden.json"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in strangers(tmp_path, STAGES, PARAMS)]
    assert found == sorted(name.removesuffix("/x") for name in strange)


DVC_YAML = """\
stages:
  train:
    foreach: ${runs}
    do:
      cmd: mkdir -p runs/${key} metrics && echo ${key} > runs/${key}/w && echo '{}' > metrics/${key}.json
      outs:
        - runs/${key}
      metrics:
        - metrics/${key}.json:
            cache: false
"""


@pytest.fixture
def project(tmp_path):
    def dvc(*arguments):
        command = [sys.executable, "-m", "dvc", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "GIT_DIR": "none"})

    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "params.yaml").write_text("runs: {one: 1, two: 2, three: 3}\n")
    dvc("init", "--no-scm", "-q")
    dvc("repro", "-q")
    return tmp_path


def names(project):
    return {path.relative_to(project).as_posix() for kind in ("runs", "metrics") for path in (project / kind).iterdir()}


def test_removed_runs_are_cleared_with_one_line_and_nothing_of_the_users(project, caplog):
    (project / "runs/three/notes").write_text("the user's")
    (project / "metrics/three.json").write_text('{"changed": 1}')
    (project / "runs/mine").mkdir()
    before = names(project)
    caplog.set_level("INFO")
    deleted = clear_leftovers(project, {"runs": {"one": 1}})
    assert {path.relative_to(project).as_posix() for path in deleted} == {"runs/two", "metrics/two.json"}
    assert names(project) == before - {"runs/two", "metrics/two.json"}
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("deepfake_adv")]
    assert lines == [
        "deleted what params.yaml no longer names: metrics/two.json, runs/two",
        "kept, since neither params.yaml nor DVC knows it: metrics/three.json, runs/mine, runs/three",
    ]


def test_without_leftovers_dvc_is_not_even_imported(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "dvc.repo", None)
    assert clear_leftovers(project, {"runs": {"one": 1, "two": 2, "three": 3}}) == []


def test_runs_of_another_commit_are_known_by_dvcs_record_of_links(project):
    """dvc.lock of a commit without them does not list them."""
    (project / "dvc.lock").unlink()
    assert clear_leftovers(project, {"runs": {"one": 1, "three": 3}}) == [project / "runs/two"]
    (project / "dvc.lock").write_text("schema: '2.0\nstages: {")
    assert clear_leftovers(project, {"runs": {"one": 1}}) == [project / "runs/three"]


@pytest.mark.slow
def test_no_edit_of_an_output_reaches_the_cache(project):
    """With the links that the Makefile chooses for the present user: root can write where others cannot."""
    told = subprocess.run(
        ["make", "-s", "--eval", "links:;@echo $(LINKS)", "links"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "config", "cache.type", told.stdout.strip()], cwd=project, check=True)
    subprocess.run([*dvc, "checkout", "--relink", "-q"], cwd=project, check=True)
    cached = {path: path.read_bytes() for path in (project / ".dvc/cache").rglob("*") if path.is_file()}
    for path in (project / "runs").rglob("w"):
        try:
            with open(path, "a") as stream:
                stream.write("edited")
        except PermissionError:
            assert os.geteuid() != 0
    assert cached == {path: path.read_bytes() for path in cached}
