"""A backup of dvc.lock: DVC truncates the file before it writes, so that a kill may leave it empty or incomplete.

``python -m deepfake_adv.execution.dvc_lock`` restores a damaged dvc.lock from the backup, and deletes DVC's list of
running processes if that is incomplete: DVC would refuse to start.
"""

import json
import logging
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from deepfake_adv.files import atomic_write
from deepfake_adv.log import configure

logger = logging.getLogger(__name__)

LOCK: Final = Path("dvc.lock")
ALWAYS_LOCK: Final = Path("outside/dvc.lock")
COPY: Final = Path(".dvc/tmp/dvc.lock.good")
DAMAGED: Final = Path(".dvc/tmp/dvc.lock.damaged")
RUNNING: Final = Path(".dvc/tmp/rwlock")
"""DVC's list of the paths that its running processes read and write."""
_HASHES: Final = {"md5", "etag", "checksum"}
_ENTRY: Final = re.compile(rb"^  (?=[^ ])", re.MULTILINE)
"""Where a stage's entry begins."""


def keep_lock(root: Path = Path()) -> bool:
    """Back up dvc.lock if it is complete and newer than the backup; both have the same date afterwards.

    The lock of outside/dvc.yaml, whose stages run every time, is backed up too.

    Args:
        root: Folder of dvc.lock.

    Returns:
        Whether the backup equals the present dvc.lock.
    """
    _keep(root, ALWAYS_LOCK)
    return _keep(root, LOCK)


def _keep(root: Path, name: Path) -> bool:
    lock, copy = root / name, _beside(root, COPY, name)
    try:
        if not (root / ".dvc").is_dir() or not lock.exists():
            return False
        status = lock.stat()
        if copy.exists() and copy.stat().st_mtime_ns == status.st_mtime_ns:
            return True
        content = lock.read_bytes()
        if not is_whole(content) or (copy.exists() and _is_cut(root, name, content, copy.read_bytes())):
            return False
        _write(copy, content, status.st_mtime_ns)
    except OSError as error:  # a full disk, or another process replaces it: the backup is not essential
        logger.debug("no copy of %s: %s", lock, error)
        return False
    return True


def restore_lock(root: Path = Path()) -> bool:
    """Restore dvc.lock from the backup if it is damaged or missing, and log it; delete an incomplete `RUNNING`.

    A file that was cut at the end of a line may look complete. It counts as damaged if all that it lacks is the end
    of the backup, unless git has it so. A file with git's conflict markers is left for the user to resolve. While
    another DVC process writes, a file may look damaged: call this only when none runs.

    Args:
        root: Folder of dvc.lock.

    Returns:
        Whether a file was restored.

    Raises:
        ValueError: If dvc.lock is damaged and there is no backup, or it has conflict markers.
    """
    _delete_incomplete(root / RUNNING)
    restored = [_restore(root, name) for name in (LOCK, ALWAYS_LOCK)]
    return any(restored)


def _delete_incomplete(running: Path) -> None:
    """Delete DVC's list of running processes if a kill left a part of it.

    Only with the lock under which DVC writes it: a process that holds that is still writing.
    """
    if _is_json(running):
        return
    from dvc.lock import LockError, make_lock  # a second's import, which nearly never is needed

    try:
        with make_lock(f"{running}.lock"):
            if not _is_json(running):
                running.unlink()
                logger.warning("%s was incomplete after a kill of DVC; it is deleted: DVC writes it anew", RUNNING.name)
    except LockError:
        return


def _is_json(path: Path) -> bool:
    """Whether a file has JSON in it, or is not there."""
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return True


def _restore(root: Path, name: Path) -> bool:
    lock, copy = root / name, _beside(root, COPY, name)
    if not (root / ".dvc").is_dir() or _keep(root, name):
        return False
    content = lock.read_bytes() if lock.exists() else None
    whole = content is not None and is_whole(content)
    if content is not None and whole and not (copy.exists() and _is_cut(root, name, content, copy.read_bytes())):
        return False
    if content is not None and b"<<<<<<< " in content:
        raise ValueError(
            f"{name} must be merged; got git's conflict markers. Take one side (`git checkout --ours {name}`) "
            "and run again: stages that differ are run, or taken from the cache."
        )
    if not copy.exists():
        if content is None:
            return False  # a project that has not run yet
        raise ValueError(
            f"{name} must be complete; it was cut off while DVC wrote it, and there is no backup yet. "
            f"Run `git checkout {name}`, or delete it: DVC restores what its cache holds."
        )
    if content is None:
        found = "it was missing"
    else:
        found = "it was cut off while DVC wrote it"
        _write(_beside(root, DAMAGED, name), content, lock.stat().st_mtime_ns)
    _write(lock, copy.read_bytes(), copy.stat().st_mtime_ns)
    logger.warning(
        "%s was restored from %s: %s; later stages are taken from the cache", name, copy.relative_to(root), found
    )
    return True


def is_whole(content: bytes) -> bool:
    """Whether these bytes look like a complete dvc.lock."""
    if not content.endswith(b"\n"):
        return False
    try:
        read = YAML(typ="safe").load(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError, ValueError):
        return False
    stages = read.get("stages") if isinstance(read, dict) else None
    return isinstance(stages, dict) and all(_is_entry(stage) for stage in stages.values())


def _is_cut(root: Path, name: Path, content: bytes, kept: bytes) -> bool:
    """Whether a lock that looks complete has the first of the backup's stages, and then ends.

    DVC writes all stages in their order, one of them changed. A user's lock may be such a beginning too, of an older
    commit; git has that one.
    """
    entries, before = _ENTRY.split(content), _ENTRY.split(kept)
    names, names_before = ([entry.partition(b"\n")[0] for entry in each] for each in (entries, before))
    last = len(entries) - 1
    if names != names_before[: last + 1]:
        return False
    shorter = last + 1 < len(before) or (entries[last] != before[last] and before[last].startswith(entries[last]))
    return shorter and content != _committed(root, name)


def _committed(root: Path, name: Path) -> bytes | None:
    """A file as the present commit has it; None without git, or if it has none."""
    try:
        command = ["git", "show", f"HEAD:./{name.as_posix()}"]
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def _is_entry(stage: Any) -> bool:
    if not isinstance(stage, dict) or not stage.get("cmd"):
        return False
    lists = [stage.get(kind, []) for kind in ("deps", "outs")]
    if not all(isinstance(each, list) for each in lists) or not isinstance(stage.get("params", {}), dict):
        return False
    return all(isinstance(item, dict) and "path" in item and _HASHES & set(item) for each in lists for item in each)


def _beside(root: Path, copy: Path, name: Path) -> Path:
    """Path of a lock file's backup: `copy`, or beside it."""
    return root / copy if name == LOCK else root / copy.with_name(f"{name.parent.name}-{copy.name}")


def _write(path: Path, content: bytes, modified: int) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
        os.utime(temporary, ns=(modified, modified))


if __name__ == "__main__":
    import sys

    configure("dvc.lock")
    try:
        restore_lock()
    except ValueError as fault:
        logger.error("%s", fault)
        sys.exit(1)
