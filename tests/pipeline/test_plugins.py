"""What the user's own files add: a method, a detector and a layout of a plug-in, and a network by ``py:``."""

import json
import shutil

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ALWAYS = {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"}

METHOD = """
from dataclasses import replace

from pydantic import Field

from deepfake_adv.methods.base import Method
from deepfake_adv.methods.registry import register_method


@register_method("brightness")
class Brightness(Method):
    class Params(Method.Params):
        shift: float = Field(0.1, gt=0, lt=1, description="Largest change.")

    def alter(self, model, frames, rng):
        return replace(frames, images=(frames.images + self.params.shift).clamp(0, 1))
"""
DETECTOR = """
from torch import nn

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import register_detector


@register_detector("plain")
class Plain(Detector):
    feature_channels = 4

    def __init__(self, **given):
        super().__init__()
        self.params = self.Params.read(given)
        self.body = nn.Conv2d(3, 4, 3, stride=2)
        self.head = nn.Linear(4, 2)

    def extract(self, normalised):
        return self.body(normalised)

    def classify(self, features):
        return self.head(features.mean((2, 3)))
"""
NETWORK = """
from torch import nn


def make(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1)
    )
"""
LAYOUT = """
from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.datasets.layouts.registry import register_layout


@register_layout("flat")
class Flat(Layout):
    how_to_get = "take your own"

    def videos(self, quality):
        yield from ()
"""


@pytest.fixture
def networked(project):
    """A run of a network in theirs.py beside params.yaml, which is no plug-in."""
    (project.folder / "theirs.py").write_text(NETWORK)
    before = project.params.read_text()
    content = YAML().load(before)
    content["detectors"]["theirs"] = {"name": "py:theirs:make", "arguments": {"width": 4}}
    run = {"method": "grad_bat", "detector": "theirs", "tier": "all", "conditions": ["NT_c23"]}
    content["runs"] |= {"theirs": run}
    with open(project.params, "w") as stream:
        YAML().dump(content, stream)
    yield project
    project.params.write_text(before)
    (project.folder / "theirs.py").unlink()
    project.repro()


@pytest.fixture
def extended(project):
    folder = project.folder / "mine"
    folder.mkdir()
    for name, text in (("brightness", METHOD), ("plain", DETECTOR), ("flat", LAYOUT)):
        (folder / f"{name}.py").write_text(text)
    before = project.params.read_text()
    content = YAML().load(before)
    content["plugins"] = ["mine"]
    content["methods"]["brightness"] = {"name": "brightness"}
    content["detectors"]["plain"] = {"name": "plain"}
    content["runs"]["own"] = {"method": "brightness", "detector": "plain", "tier": "all", "conditions": ["NT_c23"]}
    with open(project.params, "w") as stream:
        YAML().dump(content, stream)
    yield project
    project.params.write_text(before)
    shutil.rmtree(folder)
    project.repro()


def test_entries_of_a_plug_in_train_and_make_no_other_run_stale(extended):
    assert extended.repro("score@own") == {*ALWAYS, "sources", "train@own", "score@own"}
    record = json.loads((extended.folder / "data/runs/own/NT_c23/seed0/run.json").read_text())
    assert record["params"]["method"] == {"name": "brightness", "lam": 1.0, "clean": "with", "shift": 0.1}
    said = extended.call("dvc", "status")
    stale = {line.split(":")[0] for line in said.splitlines() if line.startswith(("train@", "score@", "crop@"))}
    assert stale == set()
    listing = (extended.folder / "data/sources/train/own.txt").read_text()
    assert "  mine/brightness.py" in listing
    assert "  mine/plain.py" in listing


def test_an_edit_of_a_plug_in_trains_its_run_again_and_no_other(extended):
    extended.repro("train@own")
    path = extended.folder / "mine" / "brightness.py"
    path.write_text(METHOD.replace("clamp(0, 1)", "clamp(0.1, 1)"))
    ran = extended.repro("train@own", "train@compact_baseline")
    assert {stage for stage in ran if stage.startswith("train")} == {"train@own"}
    path.write_text(METHOD.replace('"Largest change."', '"Largest change of a pixel."'))
    extended.repro("train@own")


def test_a_layout_of_a_plug_in_is_known_and_a_wrong_key_of_a_method_told(extended):
    content = YAML().load(extended.params.read_text())
    frames = content["datasets"]["corpus"]["frames"]
    content["datasets"]["own"] = {"layout": "flat", "root": "x", "forgeries": [], "frames": frames, "options": {}}
    content["methods"]["brightness"]["shft"] = 0.2
    with open(extended.params, "w") as stream:
        YAML().dump(content, stream)
    said = extended.call("python", "-m", "deepfake_adv", "check", code=1)
    assert "methods.brightness.shft is not a key; known here: clean, lam, shift. Did you mean 'shift'?" in said
    assert "1 error;" in said


def test_a_network_in_a_file_of_ones_own_trains_and_its_edits_train_its_run_alone(networked):
    assert networked.repro("evaluate@theirs") == {
        *ALWAYS, "sources", "train@theirs", "score@theirs", "evaluate@theirs",
    }  # fmt: skip
    record = json.loads((networked.folder / "data/runs/theirs/NT_c23/seed0/run.json").read_text())
    assert record["params"]["detector"]["name"] == "py:theirs:make"
    assert record["params"]["detector"]["arguments"] == {"width": 4}
    assert "  theirs.py" in (networked.folder / "data/sources/train/theirs.txt").read_text()
    trained = ["train@theirs", "train@compact_baseline", "train@compact_grad_bat"]
    path = networked.folder / "theirs.py"
    path.write_text("# Conv, pool, linear.\n" + NETWORK)
    assert networked.repro(*trained) == ALWAYS
    path.write_text(NETWORK.replace("nn.ReLU()", "nn.GELU()"))
    assert networked.repro(*trained) == {*ALWAYS, "sources", "train@theirs"}
