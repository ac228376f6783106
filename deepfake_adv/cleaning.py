"""Deletes scratch folders in work/ that killed stages left and that no stage would reuse with the present params."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deepfake_adv.leftovers import commands
from deepfake_adv.scratch import ASKED, lock_of, owner_of

_FOLDER: Final = re.compile(r"(?P<stage>.+?)(-pieces)?-(?P<key>[0-9a-f]{16})")
_MODULE: Final = "pipeline."


def clean(root: Path, params: Mapping[str, Any], *, everything: bool = False) -> Iterator[str]:
    """Delete scratch folders that no stage would continue from, and the tracebacks of failed stages.

    Each stage is run in a mode in which it only names its scratch folder. A folder is kept if its stage cannot name
    one, since its inputs do not exist yet, or if a process works in it.

    Args:
        root: Folder of the project.
        params: Content of params.yaml.
        everything: Also delete folders that a run would continue from.

    Yields:
        One line per folder, and one with the freed space.
    """
    work, freed = root / "work", 0
    known = commands(root, params)
    answers: dict[tuple[str, ...], str] = {}
    for folder in sorted(path for path in work.glob("*-*") if path.is_dir()):
        match = _FOLDER.fullmatch(folder.name)
        if match is None:
            continue
        kept = _why_kept(folder, match, known, answers, root, everything=everything)
        size = _size(folder)
        if kept:
            yield f"kept {folder.relative_to(root)} ({_readable(size)}): {kept}"
            continue
        shutil.rmtree(folder)
        lock_of(folder).unlink(missing_ok=True)
        freed += size
        yield f"deleted {folder.relative_to(root)} ({_readable(size)})"
    said = [path for kind in ("traceback.txt", "failures.csv") for path in work.glob(f"*.{kind}")]
    for path in [*said, *(lock for lock in work.glob("*.lock") if _idle(lock))]:
        freed += path.stat().st_size
        path.unlink()
    yield f"{_readable(freed)} freed in work/"


def _why_kept(
    folder: Path,
    match: re.Match[str],
    known: Sequence[list[str]],
    answers: dict[tuple[str, ...], str],
    root: Path,
    *,
    everything: bool,
) -> str:
    """Why a folder is kept; empty if it is deleted."""
    owner = owner_of(folder)
    if owner:
        return f"{owner} works in it"
    if everything:
        return ""
    for command in known:
        if match["stage"] not in _names(command):
            continue
        key = tuple(command)
        if key not in answers:
            answers[key] = _ask(command, root)
        if not answers[key]:
            return f"what {match['stage']} needs is not known until its inputs exist"
        if answers[key].endswith(match["key"]):
            return "the next `dvc repro` continues from it"
    return ""


def _names(command: Sequence[str]) -> set[str]:
    """Possible names of a command's scratch folder, without its key: the stage and up to two words."""
    module = next((place for place, word in enumerate(command) if word.startswith(_MODULE)), None)
    if module is None:
        return set()
    words = [command[module].removeprefix(_MODULE), *command[module + 1 : module + 3]]
    return {"-".join(words[:count]) for count in (1, 2, 3)}


def _ask(command: Sequence[str], root: Path) -> str:
    """The name of a stage's scratch folder; empty if the stage cannot name it."""
    words = [sys.executable if word == "python" else word for word in command]
    done = subprocess.run(
        words, cwd=root, env={**os.environ, ASKED: "1"}, capture_output=True, text=True, check=False
    )  # fmt: skip
    lines = done.stdout.split()
    return lines[-1] if done.returncode == 0 and lines and _FOLDER.fullmatch(lines[-1]) else ""


def _idle(lock: Path) -> bool:
    folder = lock.with_suffix("")
    return not folder.exists() and owner_of(folder) is None


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _readable(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
