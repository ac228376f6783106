"""A good copy of dvc.lock: DVC truncates that file before it writes, so a kill may leave none, or a part of one.

Run as ``python -m deepfake_adv.execution.dvc_lock`` it puts the copy back where dvc.lock is damaged.
"""

import logging
import os
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
_HASHES: Final = {"md5", "etag", "checksum"}


def keep_lock(root: Path = Path()) -> bool:
    """Copy dvc.lock where it is whole and newer than the copy; the dates of both agree afterwards.

    So for the lock of outside/dvc.yaml, whose stages run every time.

    Args:
        root: Folder of dvc.lock.

    Returns:
        Whether there is a good copy of what dvc.lock says now.
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
        if not is_whole(content):
            return False
        _write(copy, content, status.st_mtime_ns)
    except OSError as error:  # a full disk, or another process that replaces it: nothing depends on the copy
        logger.debug("no copy of %s: %s", lock, error)
        return False
    return True


def restore_lock(root: Path = Path()) -> bool:
    """Put the good copy back where dvc.lock is damaged or gone, and say so in one sentence.

    A file cut at the end of a stage's entry cannot be told from a whole one; DVC then takes the stages that it lacks
    from its cache of runs. A file with git's conflict markers is for its user to fix. While another DVC process
    writes, a whole file may look damaged: call this where none runs.

    Args:
        root: Folder of dvc.lock.

    Returns:
        Whether a copy was put back.

    Raises:
        ValueError: If dvc.lock is damaged and there is no good copy, or it has conflict markers; says what to do.
    """
    restored = [_restore(root, name) for name in (LOCK, ALWAYS_LOCK)]
    return any(restored)


def _restore(root: Path, name: Path) -> bool:
    lock, copy = root / name, _beside(root, COPY, name)
    if not (root / ".dvc").is_dir() or _keep(root, name):
        return False
    content = lock.read_bytes() if lock.exists() else None
    if content is not None and is_whole(content):
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
            f"{name} must be whole; it was cut off as DVC wrote it, and there is no copy yet. "
            f"Run `git checkout {name}`, or delete it: what the cache holds is not made again."
        )
    if content is None:
        found = "it was gone"
    else:
        found = "it was cut off as DVC wrote it"
        _write(_beside(root, DAMAGED, name), content, lock.stat().st_mtime_ns)
    _write(lock, copy.read_bytes(), copy.stat().st_mtime_ns)
    logger.warning(
        "%s is back from %s: %s; stages that ended since are taken from the cache", name, copy.relative_to(root), found
    )
    return True


def is_whole(content: bytes) -> bool:
    """Whether these bytes are all of a dvc.lock, as far as they can tell."""
    if not content.endswith(b"\n"):
        return False
    try:
        read = YAML(typ="safe").load(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError, ValueError):
        return False
    stages = read.get("stages") if isinstance(read, dict) else None
    return isinstance(stages, dict) and all(_is_entry(stage) for stage in stages.values())


def _is_entry(stage: Any) -> bool:
    if not isinstance(stage, dict) or not stage.get("cmd"):
        return False
    lists = [stage.get(kind, []) for kind in ("deps", "outs")]
    if not all(isinstance(each, list) for each in lists) or not isinstance(stage.get("params", {}), dict):
        return False
    return all(isinstance(item, dict) and "path" in item and _HASHES & set(item) for each in lists for item in each)


def _beside(root: Path, copy: Path, name: Path) -> Path:
    """Where the copy of a lock file is: `copy`, or beside it."""
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
