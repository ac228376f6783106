"""A small checkout whose files a test may edit."""

import pytest

from deepfake_adv.sources.closure import Sources

FILES = {
    "dvc.yaml": "stages: {}\n",
    "pipeline/__init__.py": "",
    "pipeline/train.py": "from deepfake_adv.training.setup import plan\n",
    "deepfake_adv/__init__.py": "",
    "deepfake_adv/registry.py": "",
    "deepfake_adv/training/setup.py": (
        "from deepfake_adv.suggestions import hint\n"
        "from deepfake_adv.params.schema import Params\n"
        "from deepfake_adv.methods.registry import build_method\n"
        "from importlib import import_module\n"
        "import_module('deepfake_adv.training.by_name')\n"
        "from .beside import x\n"
    ),
    "deepfake_adv/training/by_name.py": "LIST = 'list.yaml'\n",
    "deepfake_adv/training/list.yaml": "a: 1\n",
    "deepfake_adv/training/beside.py": "",
    "deepfake_adv/suggestions.py": "from deepfake_adv.words import word\n",
    "deepfake_adv/words.py": "",
    "deepfake_adv/params/schema.py": "from deepfake_adv.words import word\n",
    "deepfake_adv/methods/registry.py": "def build_method(name): ...\n",
    "deepfake_adv/methods/plain.py": "@register_method('plain')\nclass Plain: ...\n",
    "deepfake_adv/methods/moved.py": (
        "from deepfake_adv.attacks.registry import build_attack\n"
        "ATTACK = build_attack('flow', size=1)\n"
        "register_method('moved')(ATTACK)\n"
        "register_method('moved:')(ATTACK)\n"
    ),
    "deepfake_adv/attacks/registry.py": "def build_attack(name): ...\n",
    "deepfake_adv/attacks/flow.py": "@register_attack('flow')\nclass Flow:\n    size = 1\n",
    "deepfake_adv/attacks/noise.py": "@register_attack('noise')\nclass Noise: ...\n",
    "deepfake_adv/detectors/__init__.py": "",
}


class Checkout:
    """The folder, and what a stage reaches in it."""

    def __init__(self, root):
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def reached(self, *entries):
        sources = Sources(self.root)
        found = sources.closure(sources.script("train"), entries)
        names = {path.relative_to(self.root).as_posix() for path in found}
        return {name.removeprefix("deepfake_adv/") for name in names} - {"pipeline/train.py"}

    def listing(self, *entries):
        sources = Sources(self.root)
        return sources.listing(sources.script("train"), entries)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)
