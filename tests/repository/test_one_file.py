"""A detector, an attack, a layout, a locator and a landmark model of the user's own: each one file and one entry.

CONTRIBUTING's method is in test_contributing; that a plug-in trains through DVC is in tests/pipeline/test_plugins.
"""

import shutil
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

FILES = {
    "plain": """
from torch import nn

from deepfake_adv.detectors.base import Detector
from deepfake_adv.detectors.registry import register_detector


@register_detector("plain")
class Plain(Detector):
    feature_channels = 4

    def __init__(self, **given):
        super().__init__()
        self.params = self.Params.read(given)
        self.body, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def extract(self, normalised):
        return self.body(normalised)

    def classify(self, features):
        return self.head(features.mean((2, 3)))
""",
    "tint": """
import torch
from pydantic import Field

from deepfake_adv.attacks.ascent import Attack
from deepfake_adv.attacks.registry import register_attack


@register_attack("tint")
class Tint(Attack):
    class Params(Attack.Params):
        most: float = Field(0.1, gt=0, description="Largest change of a colour.")

    @property
    def size(self):
        return self.params.most

    def initial(self, images, rng):
        return torch.zeros_like(images[:, :, :1, :1])

    def to_image(self, images, variable):
        return (images + variable).clamp(0, 1)

    def project(self, images, variable):
        return variable.clamp(-self.params.most, self.params.most)
""",
    "flat": """
from deepfake_adv.datasets.layouts.base import Layout, video_names
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.videos import VideoEntry


@register_layout("flat")
class Flat(Layout):
    how_to_get = "take your own"

    def videos(self, quality):
        for name in video_names(self.root):
            yield VideoEntry(f"real/{name[:-4]}", 0, "real", "test", name[:-4], "", name)
""",
    "bright": """
from pydantic import Field

from deepfake_adv.faces.base import Landmarker, Locator
from deepfake_adv.faces.box import FaceBox
from deepfake_adv.faces.landmarks import register_landmarker
from deepfake_adv.faces.registry import register_locator


@register_locator("bright")
class Bright(Locator):
    gray = True

    class Params(Locator.Params):
        above: int = Field(180, description="Gray value.")

    def find(self, picture):
        y, x = (picture > self.params.above).nonzero()
        return [FaceBox(x.min(), y.min(), x.max() + 1, y.max() + 1, 1.0)] if len(x) else []


@register_landmarker("corners")
class Corners(Landmarker):
    def __call__(self, rgb, box):
        import numpy as np

        return np.resize(np.array(box[:4], np.float32), (68, 2))
""",
}
ENTRIES = {
    ("detectors", "own"): {"name": "plain"},
    ("examples", "attacks", "own"): {"name": "tint", "most": 0.2},
    ("datasets", "own"): {
        "layout": "flat",
        "root": ".",
        "frames": {"train": 1, "val": 1, "test": 1, "sampling": "even"},
    },
    ("locate", "backend"): {"name": "bright", "above": 100},
    ("locate", "landmarks"): "corners",
    ("plugins",): ["mine"],
}
USE = """
import numpy as np, torch
from deepfake_adv.attacks.ascent import ascend
from deepfake_adv.attacks.registry import build_attack
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.extraction.tracking import LocateOptions, load_models
from deepfake_adv.faces.landmarks import build_landmarker
from deepfake_adv.faces.registry import build_locator
from deepfake_adv.params.load import load_params

params = load_params(path="params.yaml")
images = torch.full((2, 3, 16, 16), 0.5)
detector = build_detector(**params.detectors["own"].model_dump())
attacked = ascend(build_attack(**params.examples.attacks["own"].model_dump()), detector, images, torch.tensor([0, 1]))
print(round(float((attacked.images - images).abs().max()), 3))
print(*(entry.video for entry in build_layout("flat", ".", [], {}).videos("native")))
section = params.locate.model_dump(exclude={"max_failed_share", "warn_missed_share"})
load_models(LocateOptions.of(**section))
picture = np.zeros((60, 80, 3), np.uint8)
picture[20:40, 30:50] = 120
(box,) = build_locator(**params.locate.backend.model_dump(), max_pixels=1200)(picture)
print(*(round(value) for value in box))
print(build_landmarker("corners")(picture, box).shape)
"""


@pytest.fixture
def project(root, tmp_path):
    """The package, a plug-in folder beside it, and a params.yaml that names what is in it."""
    shutil.copytree(root / "deepfake_adv", tmp_path / "deepfake_adv", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "clip.mp4").touch()
    for name, code in FILES.items():
        (tmp_path / f"mine/{name}.py").write_text(code)
    yaml = YAML()
    content = yaml.load((root / "profiles/demo.yaml").read_text(encoding="utf-8"))
    for (*above, last), value in ENTRIES.items():
        section = content
        for key in above:
            section = section[key]
        section[last] = value
    with open(tmp_path / "params.yaml", "w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    return tmp_path


def test_one_file_and_one_entry_are_enough_for_each_kind(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    done = subprocess.run([sys.executable, "-c", USE], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["0.2", "real/clip", "30 20 50 40 1", "(68, 2)"]
