"""dvc.yaml agrees with the scripts, and each stage depends on the list of its own code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deepfake_adv.sources.checkout import RECORDED, UNRECORDED
from deepfake_adv.sources.closure import LEFT_OUT

PER_RUN = {"train", "score"}


def deps_of(stage):
    return [dep if isinstance(dep, str) else next(iter(dep)) for dep in stage.get("deps", [])]


def test_stages_and_scripts_are_the_same(stages, sources):
    assert sorted(stages) == sources.stages()
    assert len(stages) >= 11
    for name, stage in stages.items():
        assert stage["cmd"].split()[:3] == ["python", "-m", f"pipeline.{name}"]


def test_every_stage_has_one_dependency_for_its_code(stages):
    for name, stage in stages.items():
        code = [dep for dep in deps_of(stage) if dep.startswith(("deepfake_adv", "pipeline", f"{RECORDED}/"))]
        if name == "sources":  # which makes the lists
            assert code == ["deepfake_adv", "pipeline"]
            assert "data/inputs/plugins.txt" in deps_of(stage)
            assert stage["outs"][0] == str(RECORDED)
        elif name in UNRECORDED:  # always run, before the lists are made
            assert stage["always_changed"]
            assert code == []
        else:
            assert code == [f"{RECORDED}/{name}/${{key}}.txt" if name in PER_RUN else f"{RECORDED}/{name}.txt"]


def test_templates_and_specifications_count_where_they_are_read(root, sources):
    found = [path for path in (root / "deepfake_adv").rglob("*") if path.is_file() and path.suffix != ".py"]
    # the public API's list, a mark for type checkers, and what is no stage's: plans, answers, exports
    idle = {"__init__.pyi", "py.typed"}
    rooms = {"planning", "prediction", "serving", "exporting"}
    found = [path for path in found if path.relative_to(root / "deepfake_adv").parts[0] not in rooms]
    found = [path for path in found if path.parent.name != "study"]  # read by `make study-report`
    files = {path for path in found if path.parent.name != "__pycache__" and path.name not in idle}
    reached = {stage: sources.closure(sources.script(stage)) for stage in ("tables", "report")}
    assert len(files) > 3
    assert files == files & (reached["tables"] | reached["report"])
    assert root / "deepfake_adv/reporting/template/page.css" not in reached["tables"]


def test_what_cannot_change_a_result_is_left_out(root, sources):
    for name in LEFT_OUT:
        assert (root / name).exists(), name
    for stage in sources.stages():
        paths = [path.relative_to(root).as_posix() for path in sources.closure(sources.script(stage))]
        assert not [path for path in paths if path.startswith(LEFT_OUT)]


def test_training_does_not_hang_on_metrics_or_on_what_comes_before(root, sources):
    train = sources.closure(sources.script("train"), [("method", "grad_bat"), ("detector", "compact")])
    names = {path.relative_to(root / "deepfake_adv").as_posix() for path in train if "pipeline" not in path.parts}
    assert {"ops/blur_triton.py", "ops/blur_numba.py", "attacks/blur.py", "detectors/compact.py"} <= names
    assert not [name for name in names if name.startswith(("reporting", "corpus", "evaluation", "studies"))]
    assert not {"attacks/spatial.py", "methods/sladd/method.py", "detectors/backbone.py"} & names


def sections_read(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_params":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


# Read without being tracked: a dataset's place, and where tasks run, do not change the output.
FREE = {"execution", "datasets", "device"}


def in_command(stage):
    """Sections that a stage has in its command: DVC writes ``${section}`` as ``--key value`` for each of its keys."""
    return re.findall(r"\$\{(\w+)\}$", stage["cmd"].replace("${key}", "").replace("${item}", ""))


def test_a_section_in_a_command_is_one_that_dvc_writes_there_whole(stages, root):
    """DVC leaves a key out that is false, and writes a list as several values."""
    sections = {section for stage in stages.values() for section in in_command(stage)}
    assert sections == {"score", "evaluate"}
    for profile in (root / "profiles").glob("*.yaml"):
        content = YAML(typ="safe").load(profile.read_text(encoding="utf-8"))
        values = [value for section in sections for value in content[section].values()]
        assert len(values) > 4
        assert all(isinstance(value, (str, int, float)) and not isinstance(value, bool) for value in values)


def test_a_stage_tracks_the_params_that_its_script_reads(sources, stages):
    for name, stage in stages.items():
        if stage.get("always_changed"):
            continue
        tracked = {param.split(".")[0] for param in stage.get("params", [])} | set(in_command(stage))
        read = set(sections_read(ast.parse(sources.script(name).read_text(encoding="utf-8"))))
        assert read - FREE <= tracked, f"{name} reads {read - FREE - tracked} untracked"
        assert tracked <= read | FREE, f"{name} tracks {tracked - read} and does not read it"


LIGHT = ["sources", "inventory", "extract", "locate", "crop", "shard", "evaluate", "tables", "report"]


@pytest.mark.parametrize("script", LIGHT)
def test_light_stages_do_not_import_torch(root, script):
    """Its import costs two seconds, timm's and Fabric's as much again, once per stage item."""
    code = f"import sys, pipeline.{script}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert f"pipeline.{script}" in loaded
    assert not loaded & {"torch", "timm", "lightning_fabric", "sklearn"}


LOADED = """
import sys
from pathlib import Path
{code}
files = [Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
print(*[path for path in files if path.is_relative_to(Path.cwd()) and path.stat().st_size])
"""


def check_loaded(root, sources, stage, code, entries=()):
    """Whatever a stage imports while it runs must be in its list, or among what cannot change a result."""
    script = LOADED.format(code=f"import pipeline.{stage}\n{code}")
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    listed = sources.closure(sources.script(stage), entries)
    loaded = {Path(path) for path in done.stdout.split() if not path.startswith(str(root / ".venv"))}
    idle = {path for path in loaded if path.relative_to(root).as_posix().startswith(LEFT_OUT)}
    allowed, waiting = set(), list(idle)
    while waiting:  # what is loaded for the sake of what cannot change a result
        path = waiting.pop()
        allowed.add(path)
        waiting += sources.facts(path).imports - allowed
    assert len(loaded) > 5
    assert loaded <= listed | allowed, sorted(loaded - listed - allowed)


@pytest.mark.parametrize("stage", [*LIGHT[1:], "corpus", "examples", "attack", "robustness", "score"])
def test_a_stages_list_holds_what_its_script_loads(root, sources, stage):
    check_loaded(root, sources, stage, "", [("detector", "compact")] if stage in ("examples", "robustness") else [])


@pytest.mark.parametrize("name", ["grad_sat", pytest.param("combined_at", marks=pytest.mark.slow), "sladd"])
def test_a_runs_list_holds_what_its_method_and_detector_load(root, sources, name):
    code = (
        "import deepfake_adv.training.run\n"
        "from deepfake_adv.methods.registry import build_method\n"
        "from deepfake_adv.detectors.registry import build_detector\n"
        f"build_method({name!r}); build_detector('tsn', segments=2, frame=dict(name='compact'))"
    )
    entries = [("method", name), ("detector", "tsn"), ("detector", "compact")]
    check_loaded(root, sources, "train", code, entries)
