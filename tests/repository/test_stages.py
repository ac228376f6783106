"""dvc.yaml agrees with the scripts and with what they import."""

import ast
import subprocess
import sys

import pytest

from deepfake_adv.sources import UNTRACKED, import_closure, source_list, tracked


def script_of(stage):
    return stage["cmd"].split()[1]


def test_stages_and_scripts_are_the_same(root, stages):
    scripts = {f"pipeline/{path.name}" for path in (root / "pipeline").glob("*.py")}
    assert {script_of(stage) for stage in stages.values()} == scripts
    assert len(stages) >= 11
    for name, stage in stages.items():
        assert script_of(stage) == f"pipeline/{name}.py"


def test_deps_cover_the_import_closure(root, stages, closure):
    missing = []
    for name, stage in stages.items():
        deps = [dep if isinstance(dep, str) else next(iter(dep)) for dep in stage["deps"]]
        if f"data/sources/{name}.txt" in deps:
            assert name in stages["sources"]["cmd"].split()
            continue
        if name == "sources":  # it depends on both folders whole
            continue
        assert script_of(stage) in deps
        for module in closure(root / script_of(stage)):
            path = str(module.relative_to(root))
            if path.startswith(UNTRACKED):
                continue
            if not any(path == dep or path.startswith(f"{dep}/") for dep in deps):
                missing.append(f"{name}: {path}")
    assert not missing, "\n".join(sorted(missing))


def test_templates_and_specifications_are_tracked_too(root, stages):
    deps = {dep for name, stage in stages.items() if name != "sources" for dep in stage["deps"]}
    files = [path.relative_to(root).as_posix() for path in (root / "deepfake_adv").rglob("*") if path.is_file()]
    beside = [path for path in files if not path.endswith((".py", ".pyc", ".pyi", "py.typed"))]
    assert len(beside) > 3
    assert not [path for path in beside if not any(path == dep or path.startswith(f"{dep}/") for dep in deps)]


def test_deps_name_no_code_that_is_not_reached(root, stages, closure):
    """A folder in `deps` reruns the stage on every edit within it, so it must be worth it."""
    idle = []
    for name, stage in stages.items():
        if name == "sources":
            continue
        reached = {str(module.relative_to(root)) for module in closure(root / script_of(stage))}
        for dep in stage["deps"]:
            used = any(path == dep or path.startswith(f"{dep}/") for path in reached)
            is_code = dep.startswith("deepfake_adv") and not dep.endswith((".yaml", "/template"))
            if is_code and not used:
                idle.append(f"{name}: {dep}")
    assert not idle, "\n".join(idle)


@pytest.fixture
def copy(tmp_path):
    """A small package with a script that reaches two of its modules, one of them by name alone."""
    files = {
        "pipeline/train.py": "from deepfake_adv.near import x\n",
        "deepfake_adv/near.py": "from importlib import import_module\nimport_module('deepfake_adv.far')\n",
        "deepfake_adv/far.py": "from deepfake_adv.params import y\n",
        "deepfake_adv/params/y.py": "",
        "deepfake_adv/other.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_scripts_sources_are_all_that_it_reaches(copy):
    assert tracked(copy / "pipeline/train.py", copy) == [
        "deepfake_adv/far.py", "deepfake_adv/near.py", "pipeline/train.py"
    ]  # fmt: skip
    assert copy / "deepfake_adv/params/y.py" in import_closure(copy / "pipeline/train.py", copy)


@pytest.mark.parametrize(("edited", "changes"), [("far", True), ("near", True), ("other", False), ("params/y", False)])
def test_an_edit_shows_in_the_list_of_those_who_use_it(copy, edited, changes):
    def listed():
        return source_list(tracked(copy / "pipeline/train.py", copy), copy)

    before = listed()
    with open(copy / f"deepfake_adv/{edited}.py", "a") as stream:
        stream.write("# a comment\n")
    assert (listed() != before) == changes
    assert all(len(line.split("  ")[0]) == 16 for line in before.splitlines())


def test_training_does_not_hang_on_metrics_or_on_what_comes_before(root):
    train = tracked(root / "pipeline/train.py", root)
    assert "deepfake_adv/ops/blur_triton.py" in train
    assert not [path for path in train if path.startswith(("deepfake_adv/reporting", "deepfake_adv/corpus"))]
    assert "deepfake_adv/training/fleet.py" not in train


def sections_read(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_params":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


# Read without being tracked: where a dataset lies, and where tasks run, decide nothing of the output.
FREE = {"execution", "datasets", "device"}


def test_a_stage_tracks_the_params_that_its_script_reads(root, stages):
    for name, stage in stages.items():
        if stage.get("always_changed"):
            continue
        tracked = {param.split(".")[0] for param in stage.get("params", [])}
        read = set(sections_read(ast.parse((root / script_of(stage)).read_text(encoding="utf-8"))))
        assert read - FREE <= tracked, f"{name} reads {read - FREE - tracked} untracked"
        assert tracked <= read | FREE, f"{name} tracks {tracked - read} and does not read it"


@pytest.mark.parametrize("script", ["inventory", "extract", "locate", "crop", "shard", "evaluate", "tables", "report"])
def test_light_stages_do_not_import_torch(root, script):
    """Its import costs two seconds, timm's and Fabric's as much again, once per stage item."""
    code = f"import sys; sys.path.insert(0, 'pipeline'); import {script}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert f"{script}" in loaded
    assert not loaded & {"torch", "timm", "lightning_fabric", "sklearn"}
