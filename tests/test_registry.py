"""Entries are found by their names, and imported alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deepfake_adv.attacks.registry import ATTACKS
from deepfake_adv.datasets.layouts.registry import LAYOUTS
from deepfake_adv.detectors.registry import DETECTORS
from deepfake_adv.faces.landmarks import LANDMARKERS
from deepfake_adv.faces.registry import LOCATORS
from deepfake_adv.methods.registry import METHODS
from deepfake_adv.params.base import Section
from deepfake_adv.params.entries import complete, entry_faults
from deepfake_adv.registry import FOLDERS, entry_of, find_entries

ROOT = Path(__file__).parents[1]
REGISTRIES = (METHODS, DETECTORS, ATTACKS, LAYOUTS, LOCATORS, LANDMARKERS)


def kind_of(registry):
    return registry.kind


each = pytest.mark.parametrize("registry", REGISTRIES, ids=kind_of)


def test_every_kind_has_a_registry_here():
    """A kind that is added is then under the tests below."""
    assert sorted(map(kind_of, REGISTRIES)) == sorted(FOLDERS)


@each
def test_every_entry_is_found_where_it_registers_itself(registry):
    assert len(registry) == len(list(registry)) > 1
    for name in registry:
        assert callable(registry[name])
        assert f'register_{registry.kind}("{name}")' in registry.files[name].read_text(encoding="utf-8")


@each
def test_every_entry_says_its_keys_and_a_form_to_be_tested_in(registry):
    for name in registry.names():
        entry = registry[name]
        assert issubclass(entry.Params, Section), name
        assert [key for key, field in entry.Params.model_fields.items() if not field.description] == [], name
        if registry.kind != "layout":  # whose `tiny` writes a tree
            assert entry.tiny, name
            for arguments in entry.tiny:
                read = complete(registry.kind, {"name": name, **arguments})
                assert arguments.keys() <= read.keys() | {"model"}, name  # as in timm:<model>


@each
def test_an_unknown_key_of_any_entry_is_reported_in_one_sentence(registry):
    for name in registry:
        faults = entry_faults(registry.kind, {"name": name, "colour": "red"}, "section", "own")
        told = [fault for fault in faults if "colour" in fault]
        assert len(told) == 1
        assert told[0].startswith("section.own.colour is not a key; "), name


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError):
        METHODS["none"]


def test_a_name_that_is_registered_twice_is_refused(tmp_path):
    folder = tmp_path / "methods"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text("@register_method('mine')\nclass Mine: ...\n")
    with pytest.raises(ValueError, match=r"the method mine must be registered in one file; got one\.py and two\.py\."):
        find_entries("method", tmp_path)


def test_a_name_with_a_colon_has_the_entry_of_its_beginning(tmp_path):
    files = {"timm:": tmp_path, "compact": tmp_path}
    assert entry_of("timm:resnet18", files) == "timm:"
    assert entry_of("compact", files) == "compact"
    assert entry_of("compact:wide", files) is None
    assert entry_of("timm", files) is None


def test_a_new_file_is_all_that_a_new_method_takes(tmp_path):
    shutil.copytree(ROOT / "deepfake_adv", tmp_path / "deepfake_adv", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "deepfake_adv/methods/mine.py").write_text(
        "from deepfake_adv.methods.baseline import Baseline\n"
        "from deepfake_adv.methods.registry import register_method\n\n\n"
        "@register_method('mine')\nclass Mine(Baseline):\n    pass\n"
    )
    code = (
        "import sys\n"
        "from deepfake_adv.methods.registry import build_method\n"
        "print(type(build_method('mine')).__name__)\n"
        "print('deepfake_adv.attacks.ascent' in sys.modules or 'deepfake_adv.methods.sladd.method' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["Mine", "False"], done.stderr
