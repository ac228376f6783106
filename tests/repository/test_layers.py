"""The contracts of pyproject.toml on imports hold, and would not hold for a wrong import."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


def lint(folder):
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True)


@pytest.fixture
def copy(root, tmp_path):
    shutil.copytree(root / "deepfake_adv", tmp_path / "deepfake_adv", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(root):
    done = lint(root)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("ops/warp", "from deepfake_adv.training import optim", "Imports go downward only BROKEN"),
        ("attacks/blur", "from deepfake_adv.evaluation import metrics", "Imports go downward only BROKEN"),
        ("video/read", "from deepfake_adv.faces import box", "Imports go downward only BROKEN"),
        ("training/run", "from deepfake_adv.params.load import load_params", "read params.yaml BROKEN"),
        ("evaluation/metrics", "import torch", "without torch BROKEN"),
        ("newcomer", "", "no declared layer: deepfake_adv.newcomer"),
    ],
)
def test_a_wrong_import_breaks_a_contract(copy, module, line, contract):
    with open(copy / f"deepfake_adv/{module}.py", "a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    done = lint(copy)
    assert done.returncode == 1
    assert contract.removeprefix("no declared layer: ") in " ".join(done.stdout.split())


def test_modules_imported_by_name_are_not_above(root):
    """import-linter reads statements alone; ``import_module("deepfake_adv.…")`` must not point upward either."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rank = {room: place for place, layer in enumerate(layers) for room in layer.split(" | ")}
    found = []
    for path in (root / "deepfake_adv").rglob("*.py"):
        room = path.relative_to(root / "deepfake_adv").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and str(node.value).startswith("deepfake_adv.") and " " not in node.value:
                found.append((room, node.value.split(".")[1]))
    assert found
    assert {(room, target) for room, target in found if room != target and rank[target] <= rank[room]} == set()


def test_init_files_are_empty_but_for_the_public_api(root):
    inits = list((root / "deepfake_adv").rglob("__init__.py"))
    assert len(inits) > 10
    assert [path for path in inits if path.stat().st_size] == [root / "deepfake_adv/__init__.py"]
