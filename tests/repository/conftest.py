"""What imports what in this repository, read from the source alone."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PACKAGE = "deepfake_adv"


def modules_imported(path: Path) -> set[Path]:
    """Files of the package that one file imports, at its top or inside a function."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            candidate = ROOT / Path(*name.split(".")).with_suffix(".py")
            if name.startswith(PACKAGE) and candidate.exists():
                found.add(candidate)
    return found


def import_closure(path: Path) -> set[Path]:
    """Files of the package that running `path` can reach."""
    reached: set[Path] = set()
    waiting = [path]
    while waiting:
        for module in modules_imported(waiting.pop()):
            if module not in reached:
                reached.add(module)
                waiting.append(module)
    return reached


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def imports():
    return modules_imported


@pytest.fixture(scope="session")
def closure():
    return import_closure


@pytest.fixture(scope="session")
def stages():
    """Stage name to its definition, the body of a foreach or matrix included."""
    content = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: stage.get("do", stage) for name, stage in content["stages"].items()}
