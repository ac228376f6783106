"""Files that are whole or absent: atomic writes, scratch folders, fingerprints."""

import csv
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_EDGE = 64 * 1024

DISK_FAULTS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""What the disk says where nothing can be written, whatever the input."""

TEMPORARY: Final = ".tmp-"
"""How the names of `atomic_write`'s temporary files begin."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`, renamed onto it on success and removed on failure.

    A reader, or a run that was killed meanwhile, sees the old file or the new one, never a part.
    The temporary name keeps the suffix, because encoders choose their container by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{TEMPORARY}{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    temporary.chmod(0o644)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV, atomically; a key that a row lacks stays empty."""
    with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically; NaN is refused, as JSON has none."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        ValueError: If the file is not JSON; names the file and the place.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be JSON; got {error}. Write it anew or delete it.") from error


def fingerprint(value: Any) -> str:
    """16 hex digits that name a JSON-like value; equal for equal values in any key order."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_fingerprint(path: Path) -> str:
    """16 hex digits from a file's size and its first and last 64 KiB: cheap on terabytes of video."""
    size = Path(path).stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as stream:
        digest.update(stream.read(_EDGE))
        if size > _EDGE:
            stream.seek(max(size - _EDGE, _EDGE))
            digest.update(stream.read(_EDGE))
    return digest.hexdigest()[:16]


class Scratch:
    """A folder in which a stage works piece by piece until its output is whole.

    It is named by everything that decides the output, so a killed run finds its own
    pieces again and never takes those of other parameters for finished work. DVC deletes
    a stage's outputs before it runs, so the pieces cannot live there.

    Args:
        stage: Name of the stage, with its item where there are several.
        key: Inputs and parameters that decide the output, JSON-like.
        root: Folder of all scratch folders; must lie on the outputs' file system.
    """

    def __init__(self, stage: str, key: Mapping[str, Any], root: Path = Path("work")) -> None:
        self.path = Path(root) / f"{stage}-{fingerprint(key)}"
        self.path.mkdir(parents=True, exist_ok=True)

    def publish(self, output: Path) -> None:
        """Move the whole folder to `output` with one rename, replacing what is there.

        Temporary files of `atomic_write` that a kill left behind do not come along.
        """
        output = Path(output)
        for leftover in self.path.rglob(f"{TEMPORARY}*"):
            if leftover.is_file():
                leftover.unlink()
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_dir() and not output.is_symlink():
            shutil.rmtree(output)
        elif output.exists() or output.is_symlink():
            output.unlink()
        os.replace(self.path, output)
