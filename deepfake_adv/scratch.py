"""Scratch folders of stages: found again after a kill, owned by one process, moved to the output at the end."""

import errno
import logging
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from deepfake_adv.files import TEMPORARY, fingerprint

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

ASKED: Final = "DEEPFAKE_ADV_ASK_SCRATCH"
"""Environment variable: if set, a stage only prints the name of its scratch folder; used by `make clean`."""

PATIENCE: Final = 20.0
"""Seconds that a second process waits: if the owner's DVC process was killed, the owner stops within this time."""

_HELD: Final[dict[Path, IO[str]]] = {}


class ScratchNamed(BaseException):
    """Carries the name of a stage's scratch folder; no `Exception`, so that no error handler catches it."""


class Scratch:
    """A folder for a stage's partial results, until its output is complete.

    Its name depends on everything that decides the output, so that a killed run finds its own partial results again
    and never uses those of other parameters or other code. DVC deletes a stage's outputs before it runs, so partial
    results cannot be kept there.

    One process owns the folder: ``<folder>.lock`` is locked until the folder is published or removed, or the process
    ends. The owner may open it again. A second process waits, logs it, and then raises: two processes would write the
    same files, and the first to finish would move the folder while the other uses it.

    Args:
        stage: Name of the stage, with its item if there are several.
        key: Inputs and parameters that decide the output, JSON-like.
        code: Digest of the code that makes the output; see `sources.checkout.code_digest`.
        root: Folder of all scratch folders, best on the outputs' file system: elsewhere the output is copied.
        own: False if this process works for the owner, as ranks above 0 do.

    Raises:
        ValueError: If another process owns it.
    """

    def __init__(
        self, stage: str, key: Mapping[str, Any], *, code: str, root: Path = Path("work"), own: bool = True
    ) -> None:
        self.path = Path(root) / f"{stage}-{fingerprint([code, key])}"
        if os.environ.get(ASKED):
            raise ScratchNamed(self.path.name)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if own:
            _own(self.path)
        self.path.mkdir(exist_ok=True)

    def publish(self, output: Path) -> None:
        """Move the folder to `output` with one rename, replacing an old output.

        Temporary files of a killed `atomic_write` are deleted. The old output stays until the new one is on its disk.

        Raises:
            OSError: If the output's disk is full; the folder is kept, and no partial copy is left.
        """
        output = Path(output)
        for leftover in self.path.rglob(f"{TEMPORARY}*"):
            if leftover.is_file():
                leftover.unlink()
        output.parent.mkdir(parents=True, exist_ok=True)
        whole = self._on_disk_of(output)
        _remove(output)
        os.replace(whole, output)
        self.remove()

    def remove(self) -> None:
        """Delete the folder and release its lock."""
        if self.path.exists():
            shutil.rmtree(self.path)
        _give_up(self.path)

    def _on_disk_of(self, output: Path) -> Path:
        """This folder, or, if it cannot be renamed to `output`, a copy beside `output`."""
        beside = output.with_name(f"{TEMPORARY}{output.name}")
        _remove(beside)
        probe = self.path / beside.name
        probe.touch()
        try:
            os.replace(probe, beside)
        except OSError as error:
            probe.unlink()
            if error.errno != errno.EXDEV:
                raise
            _copy(self.path, beside)
            return beside
        beside.unlink()
        return self.path


def lock_of(folder: Path) -> Path:
    """The lock file of a scratch folder; its content names the owner."""
    return folder.with_name(f"{folder.name}.lock")


def owner_of(folder: Path) -> str | None:
    """A description of the scratch folder's present owner; None if there is none."""
    try:
        with open(lock_of(folder), encoding="utf-8") as stream:
            return None if _lock(stream) else _described(stream)
    except OSError:
        return None


def _own(folder: Path) -> None:
    name = folder.absolute()
    if fcntl is None or name in _HELD:
        return
    said, end = False, time.monotonic() + PATIENCE
    while (stream := _taken(lock_of(folder))) is None:
        owner = owner_of(folder) or "another process"
        if time.monotonic() > end:
            raise ValueError(
                f"{folder} must have one owner; {owner} works in it. Wait until it ends, or stop it, and run "
                "`dvc repro` again: finished work is kept."
            )
        if not said:
            logger.warning("waits up to %.0f s for %s, which works in %s", PATIENCE, owner, folder)
            said = True
        time.sleep(0.2)
    _HELD[name] = stream


def _taken(path: Path) -> IO[str] | None:
    """The lock file, locked by this process; None if another process holds it."""
    while True:
        stream = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - held until the process ends
        if not _lock(stream):
            stream.close()
            return None
        try:
            same = os.path.samestat(os.fstat(stream.fileno()), path.stat())
        except FileNotFoundError:
            same = False
        if same:  # otherwise its last owner has deleted it
            break
        stream.close()
    stream.truncate(0)
    stream.write(f"{os.getpid()} {os.uname().nodename}\n")
    stream.flush()
    return stream


def _lock(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _described(stream: IO[str]) -> str:
    stream.seek(0)
    process, _, host = stream.read().strip().partition(" ")
    return f"process {process} on {host}" if host else "another process"


def _give_up(folder: Path) -> None:
    stream = _HELD.pop(folder.absolute(), None)
    if stream is not None:
        lock_of(folder).unlink(missing_ok=True)  # while locked: nobody may lock a file that is about to be deleted
        stream.close()


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; stops at the first error, while `shutil.copytree` continues and loses the error number."""
    try:
        for folder, _, names in os.walk(source):
            place = target / Path(folder).relative_to(source)
            place.mkdir()
            for name in names:
                shutil.copy2(Path(folder) / name, place / name)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise OSError(error.errno, error.strerror, str(target.parent)) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
