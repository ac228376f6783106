"""Which source files a stage's script is made of: itself and all of this package that it imports, however deep.

DVC does not follow imports. The stages that exist once per run depend on the list that this writes, so that an edit
reruns those whose code it touches, without forty dependencies a run in dvc.lock.
"""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# The schema only refuses bad values; the values themselves are tracked as params.
# Scheduling and logging change how a stage runs, never what it leaves.
UNTRACKED: Final = ("deepfake_adv/params/", "deepfake_adv/execution/", "deepfake_adv/log.py", "deepfake_adv/stage.py")
_PACKAGE: Final = "deepfake_adv"


def modules_imported(path: Path, root: Path) -> set[Path]:
    """Files of the package that one file imports, at its top or inside a function, by statement or by name."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # import_module("deepfake_adv....")
            names = [node.value]
        else:
            continue
        found.update(root / Path(*name.split(".")).with_suffix(".py") for name in names if name.startswith(_PACKAGE))
    return {candidate for candidate in found if candidate.is_file()}


def import_closure(path: Path, root: Path) -> set[Path]:
    """Files of the package that running `path` can reach."""
    reached: set[Path] = set()
    waiting = [path]
    while waiting:
        new = modules_imported(waiting.pop(), root) - reached
        reached |= new
        waiting += new
    return reached


def tracked(script: Path, root: Path) -> list[str]:
    """A script and what it reaches, as paths from the root, without `UNTRACKED`."""
    reached = {path.relative_to(root).as_posix() for path in (script, *import_closure(script, root))}
    return sorted(path for path in reached if not path.startswith(UNTRACKED))


def source_list(paths: Iterable[str], root: Path) -> str:
    """One line per file: 16 hex digits of its SHA-256, two spaces, its path."""
    return "".join(f"{hashlib.sha256((root / path).read_bytes()).hexdigest()[:16]}  {path}\n" for path in paths)
