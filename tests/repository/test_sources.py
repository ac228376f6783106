"""An edit of this repository changes the lists of the stages that it touches, and no other."""

import os
import shutil
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from deepfake_adv.params.load import load_params


class Copy:
    """A copy of the repository, and the lists that its stage `sources` writes."""

    def __init__(self, folder, root):
        self.folder = folder
        for name in ("deepfake_adv", "pipeline"):
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "profiles/demo.yaml", folder / "params.yaml")
        shutil.copy(root / "dvc.yaml", folder / "dvc.yaml")
        self.params = load_params(path=folder / "params.yaml")
        self.whole = self.lists()

    def lists(self):
        command = [sys.executable, "-m", "pipeline.sources", "lists"]
        environment = {**os.environ, "PYTHONPATH": ""}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return {
            path.relative_to(self.folder / "lists").with_suffix("").as_posix(): path.read_text()
            for path in (self.folder / "lists").rglob("*.txt")
        }

    def changed(self, edits):
        """Names of the lists that the edits change: path to what is replaced by what, or to a new file's text."""
        before = {}
        for name, edit in edits.items():
            path = self.folder / "deepfake_adv" / name
            before[path] = path.read_text() if path.exists() else None
            if isinstance(edit, str):
                path.write_text(edit)
            else:
                assert before[path].count(edit[0]) == 1, name
                path.write_text(before[path].replace(*edit))
        try:
            lists = self.lists()
        finally:
            for path, text in before.items():
                path.write_text(text) if text is not None else path.unlink()
        return {name for name in {*lists, *self.whole} if lists.get(name) != self.whole.get(name)}

    def text(self, name):
        return (self.folder / "deepfake_adv" / name).read_text()

    def of(self, kind, name):
        """Runs whose method or detector has that name in the registry."""
        entries = {"method": self.params.methods, "detector": self.params.detectors}[kind]
        return {run for run, chosen in self.params.runs.items() if entries[getattr(chosen, kind)].name == name}


@pytest.fixture(scope="module")
def copy(root, tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"), root)


def test_there_is_a_list_for_every_stage_and_run(copy, stages):
    runs = {f"{stage}/{run}" for stage in ("train", "score") for run in copy.params.runs}
    assert set(copy.whole) == runs | (set(stages) - {"inputs", "sources", "train", "score"})
    assert len(runs) > 10


def test_words_the_schema_and_scheduling_change_no_list(copy):
    edits = {
        "suggestions.py": ("Did you mean", "Perhaps you mean"),
        "params/training.py": ("class Train(Section):", "WORDS = 1\n\n\nclass Train(Section):"),
        "execution/pool.py": ("time.sleep(0.5)", "time.sleep(0.6)"),
        "log.py": ("_INTERVAL = 30.0", "_INTERVAL = 20.0"),
        "stage.py": ("sys.exit(STOPPED)", "sys.exit(131)"),
        "methods/traditional.py": ("must be two numbers in ascending", "must be two numbers, in ascending"),
        "methods/generative.py": ("Arguments of each generator.", "What each generator is made of."),
    }
    edits["ops/degradations.py"] = f"# a comment\n{copy.text('ops/degradations.py')}".replace('"""', '"""A word. ', 1)
    assert copy.changed(edits) == set()


def test_a_constant_of_the_spatial_attack_retrains_grad_sat_alone(copy):
    changed = copy.changed({"attacks/spatial.py": ("tau: float = Field(0.05,", "tau: float = Field(0.06,")})
    retrained = {name for name in changed if name.startswith("train/")}
    assert retrained == {f"train/{run}" for run in copy.of("method", "grad_sat")} != set()
    studies = {"examples": copy.params.examples, "robustness": copy.params.robustness}
    named = {name for name, study in studies.items() if any(a.name == "stadv" for a in study.attacks.values())}
    assert changed - retrained == named


def test_a_new_methods_file_changes_no_list(copy):
    head = "from deepfake_adv.methods.registry import register_method"
    text = f"{head}\n\n\n@register_method('mine')\nclass Mine: ...\n"
    assert copy.changed({"methods/mine.py": text}) == set()


PLUGINS = {
    "mine/brightness.py": """
from mine.shift import shifted
from deepfake_adv.methods.base import Method
from deepfake_adv.methods.registry import register_method


@register_method("brightness")
class Brightness(Method): ...
""",
    "mine/shift.py": "def shifted(): ...\n",
    "mine/plain.py": """
from deepfake_adv.detectors.compact import Compact
from deepfake_adv.detectors.registry import register_detector


@register_detector("plain")
class Plain(Compact): ...
""",
    "mine/flat.py": """
from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.datasets.layouts.registry import register_layout


@register_layout("flat")
class Flat(Layout): ...
""",
}


@pytest.fixture
def extended(copy):
    """The lists with a method, a detector and a layout of the user's, and a run of them."""
    params = copy.folder / "params.yaml"
    before = params.read_text()
    for name, text in PLUGINS.items():
        (copy.folder / name).parent.mkdir(exist_ok=True)
        (copy.folder / name).write_text(text)
    content = YAML().load(before)
    content["plugins"] = ["mine"]
    content["methods"]["brightness"] = {"name": "brightness"}
    content["detectors"]["plain"] = {"name": "plain"}
    content["runs"]["own"] = {"method": "brightness", "detector": "plain", "tier": "all", "conditions": ["NT_c23"]}
    frames = content["datasets"]["corpus"]["frames"]
    content["datasets"]["own"] = {"layout": "flat", "root": "x", "forgeries": [], "frames": frames, "options": {}}
    with open(params, "w") as stream:
        YAML().dump(content, stream)
    lists = copy.lists()
    yield lists
    params.write_text(before)
    shutil.rmtree(copy.folder / "mine")
    shutil.rmtree(copy.folder / "lists")


def files_of(listing):
    return {line.partition("  ")[2] for line in listing.splitlines()}


def test_plug_ins_are_in_the_lists_of_what_names_them_and_in_no_other(copy, extended):
    assert {"mine/brightness.py", "mine/shift.py", "mine/plain.py"} <= files_of(extended["train/own"])
    assert "mine/plain.py" in files_of(extended["score/own"])
    assert "mine/brightness.py" not in files_of(extended["score/own"])
    assert "mine/flat.py" in files_of(extended["inventory"])
    changed = {name for name in copy.whole if extended[name] != copy.whole[name]}
    assert changed == {"inventory"}  # which reads the new dataset
    assert set(extended) - set(copy.whole) == {"train/own", "score/own"}


def test_a_detectors_file_reruns_what_loads_it(copy):
    changed = copy.changed({"detectors/compact.py": ("dropout: float = Field(0.0,", "dropout: float = Field(0.1,")})
    runs = copy.of("detector", "compact")
    assert {f"{stage}/{run}" for stage in ("train", "score") for run in runs} <= changed
    others = set(copy.params.runs) - runs
    assert not {f"{stage}/{run}" for stage in ("train", "score") for run in others} & changed
    assert not {"evaluate", "crop", "tables"} & changed


def test_a_metric_scores_and_trains_nothing(copy):
    changed = copy.changed({"evaluation/metrics.py": f"{copy.text('evaluation/metrics.py')}\nX = 1\n"})
    assert "evaluate" in changed
    assert not [name for name in changed if name.startswith(("train/", "score/"))]


def test_a_locator_that_is_not_used_reruns_no_location(copy):
    assert copy.params.locate.backend.name == "dlib"
    assert "locate" not in copy.changed({"faces/alignment.py": f"{copy.text('faces/alignment.py')}\nX = 1\n"})
    assert "locate" in copy.changed({"faces/dlib_hog.py": f"{copy.text('faces/dlib_hog.py')}\nX = 1\n"})


def test_an_encoder_and_a_specification_rerun_who_reads_them(copy):
    assert "crop" in copy.changed({"crops/codec.py": f"{copy.text('crops/codec.py')}\nX = 1\n"})
    specs = {"reporting/specs.yaml": f"{copy.text('reporting/specs.yaml')}\n# a word\n"}
    assert copy.changed(specs) == {"tables", "report"}
