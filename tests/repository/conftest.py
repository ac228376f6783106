"""What imports what in this repository, read from the source alone."""

from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deepfake_adv.sources import import_closure, modules_imported

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def imports():
    return partial(modules_imported, root=ROOT)


@pytest.fixture(scope="session")
def closure():
    return partial(import_closure, root=ROOT)


@pytest.fixture(scope="session")
def stages():
    """Stage name to its definition, the body of a foreach or matrix included."""
    content = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: stage.get("do", stage) for name, stage in content["stages"].items()}
