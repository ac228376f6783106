"""Atomic writes, fingerprints, and checks and sorting of file names."""

import csv
import errno
import hashlib
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, Final, TextIO

_EDGE = 64 * 1024

DISK_FAULTS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""Error numbers of a disk that cannot be written to, whatever the input."""

TEMPORARY: Final = ".tmp-"
"""Prefix of `atomic_write`'s temporary files."""

_DIGITS: Final = re.compile(r"([0-9]+)")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`, renamed onto it on success and removed on failure.

    A reader sees the old file or the new one, never a part, also after a kill. The temporary name keeps the suffix,
    because encoders choose their container by it.
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


CsvRow = Mapping[str, Any] | Sequence[Any]
"""Values by column name, or values in the order of the columns."""


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[CsvRow]) -> None:
    """Write rows as CSV, atomically, row by row; a column that a mapping lacks stays empty.

    Raises:
        ValueError: If a mapping has a key that is no column.
    """
    with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        _write_rows(stream, columns, rows)


def csv_text(columns: Sequence[str], rows: Iterable[CsvRow]) -> str:
    """The text that `write_csv` writes."""
    stream = io.StringIO()
    _write_rows(stream, columns, rows)
    return stream.getvalue()


def _write_rows(stream: TextIO, columns: Sequence[str], rows: Iterable[CsvRow]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    by_name = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if isinstance(row, Mapping):
            by_name.writerow(row)
        else:
            writer.writerow(row)


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """Rows that `write_csv` wrote, by column name, read one at a time."""
    with open(path, encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def read_text(path: Path) -> str:
    """Read UTF-8 text, line ends as they are; a byte order mark is skipped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a folder or not UTF-8; names the file and the line.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} must be a file; got a folder. Name a file.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise ValueError(
            f"{path} must be UTF-8 text; got the byte {byte:#04x} in line {line}. Save it as UTF-8."
        ) from None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically; raises on NaN, which JSON does not have."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; a byte order mark is skipped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a folder or not JSON; names the file and the line.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} must be JSON; got {error}. Fix it, or replace it with a complete copy.") from error


def read_json_object(path: Path, keys: Mapping[str, type]) -> dict[str, Any]:
    """Read a JSON object that has at least `keys`, each of its type.

    Raises:
        ValueError: If the file is not JSON, not an object, or a key is missing or of another type.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise ValueError(f"{path} must hold a JSON object; got {value!r:.40}. Write it again or delete it.")
    for key, kind in keys.items():
        if not isinstance(value.get(key), kind):
            got = f"{value[key]!r:.40}" if key in value else "none"
            raise ValueError(
                f"{path} must have the key {key} ({kind.__name__}); got {got}. Write it again or delete it."
            )
    return value


def fingerprint(value: Any) -> str:
    """16 hex digits of a JSON-like value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_fingerprint(path: Path) -> str:
    """16 hex digits from a file's size and its first and last 64 KiB, which is cheap for terabytes of video."""
    size = Path(path).stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as stream:
        digest.update(stream.read(_EDGE))
        if size > _EDGE:
            stream.seek(max(size - _EDGE, _EDGE))
            digest.update(stream.read(_EDGE))
    return digest.hexdigest()[:16]


def natural_key(path: str | PurePath) -> tuple[Any, ...]:
    """Sort key for file names of a sequence: numbers by value (1, 2, 10), other text as text.

    Folders come before their content, and digits are compared before the suffix: a, a1, a2. A point is not part of a
    number, so that 0.5 comes before 0.25, as for chapters.
    """
    return tuple((*map(_runs, os.path.splitext(part)), part) for part in PurePath(path).parts)


def _runs(text: str) -> tuple[tuple[str, int, str], ...]:
    """Text before each number, the number as its length and digits, so that none is too long."""
    parts = _DIGITS.split(text)
    numbers = [digits.lstrip("0") for digits in parts[1::2]]
    return (*((word, len(n), n) for word, n in zip(parts[::2], numbers, strict=False)), (parts[-1], -1, ""))


def check_inside(name: str | PurePath, whose: str) -> None:
    """Check that a name that was read from a file stays inside its folder.

    Args:
        name: A relative path, with "/".
        whose: Whose name it is, for the message.

    Raises:
        ValueError: If it is absolute, empty, contains ``..``, a drive letter, a backslash or a NUL, on any system.
    """
    parts = str(name).split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part or _DRIVE.match(part) for part in parts):
        raise ValueError(
            f"{whose} must be a name that stays in the folder it is put in; got {str(name)!r}. Rename it, or fix the "
            "file that names it."
        )


def inside(folder: Path, name: str | PurePath, whose: str) -> Path:
    """`folder` / `name`, for a name read from a file, about to be written.

    Raises:
        ValueError: If it leads out of the folder, by `check_inside` or through a symbolic link.
    """
    check_inside(name, whose)
    path = Path(folder) / name
    if not path.resolve().is_relative_to(Path(folder).resolve()):
        raise ValueError(
            f"{whose} must stay in {folder}; got {str(name)!r}, which a symbolic link leads out of it. Remove the link."
        )
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
