"""What imports what in this repository, read from the source alone."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deepfake_adv.sources.closure import Sources

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def sources():
    return Sources(ROOT)


@pytest.fixture(scope="session")
def imports(sources):
    """Files of the package that one file imports."""
    return lambda path: sources.facts(path).imports


@pytest.fixture(scope="session")
def stages():
    """Stage name to its definition, the body of a foreach or matrix included."""
    yaml = YAML(typ="safe")
    files = [yaml.load((ROOT / name).read_text(encoding="utf-8")) for name in ("dvc.yaml", "outside/dvc.yaml")]
    return {name: stage.get("do", stage) for content in files for name, stage in content["stages"].items()}
