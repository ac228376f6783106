"""Rows of results: JSON lines that a later call continues, and tables of them."""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deepfake_adv.files import DISK_FAULTS, atomic_write, write_csv

SCORED: Final = "scored"
FAILED: Final = "failed"

Row = Mapping[str, Any]

_FRAME: Final = pa.struct(
    [
        ("frame", pa.int64()),
        ("box", pa.list_(pa.float64())),
        ("detected", pa.bool_()),
        ("score", pa.float64()),
    ]
)
_EVIDENCE: Final = pa.struct(
    [
        ("lr", pa.float64()),
        ("log10_lr", pa.float64()),
        ("at_bound", pa.bool_()),
        ("words", pa.string()),
        ("called_fake", pa.bool_()),
        ("unlike", pa.float64()),
    ]
)
_PERSON: Final = pa.struct(
    [
        ("score", pa.float64()),
        ("left_out", pa.string()),
        ("shot", pa.int64()),
        ("at_cut", pa.bool_()),
        ("side", pa.float64()),
        ("evidence", _EVIDENCE),
        ("frames", pa.list_(_FRAME)),
    ]
)
_NO_TEXT: Final = re.compile("[\ud800-\udfff]")
_FACES: Final = ("seen", "scored", "too_small", "too_brief", "lost_at_cuts")
_FLAT: Final = pa.schema(
    [
        ("path", pa.string()),
        ("status", pa.string()),
        ("score", pa.float64()),
        *_EVIDENCE,
        ("warnings", pa.string()),
        ("error", pa.string()),
        *((f"faces_{name}", pa.int64()) for name in _FACES),
        ("shots", pa.int64()),
        ("frames_sampled", pa.int64()),
        ("frames_missed", pa.int64()),
        ("damage", pa.string()),
        ("notes", pa.string()),
        ("trained_on", pa.string()),
        ("sha256", pa.string()),
        ("detector", pa.string()),
        ("detector_sha256", pa.string()),
        ("code", pa.string()),
        ("version", pa.string()),
        ("params", pa.string()),  # JSON
    ]
)


def to_line(row: Row) -> str:
    """One line of JSON, without its end.

    Bytes of a file's name that are no UTF-8, which Python has as lone surrogates, become JSON's escapes: read again,
    they name the same file.
    """
    return _NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(row, ensure_ascii=False, allow_nan=False))


def readable(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file's name that are no text are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def one_line(text: str) -> str:
    """Text for a log: what is not printable, such as a line's end in a file's name, is written as an escape."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def check_place(name: str, path: Path, *, folder: bool = False) -> None:
    """Check that an output can be written, before hours of work; makes the folder that it is in.

    Args:
        name: Of the output, for the message.
        path: The output.
        folder: It is a folder.

    Raises:
        ValueError: If something else is there, or nothing can be written there.
        OSError: If the disk is full or is read-only.
    """
    if path.exists() and path.is_dir() != folder:
        wanted, got = ("folder", "file") if folder else ("file", "folder")
        raise ValueError(f"{name} must be a {wanted}; got the {got} {path}. Name another.")
    place = path if folder else path.parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        if error.errno in DISK_FAULTS:
            raise
        raise ValueError(
            f"{name} must be where files can be written; got {path} ({error.strerror}). Name another place."
        ) from error


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a file of JSON lines; a last line that was cut off by a kill is passed over.

    Raises:
        ValueError: If another line is no row.
    """
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            row = error
        if not isinstance(row, dict) or not {"path", "status", "provenance"} <= set(row):
            raise ValueError(
                f"{path} must hold rows of `predict`; got another line {number}. Name another file, or delete it."
            )
        yield row


def take_up(path: Path, provenance: Row) -> dict[str, dict[str, Any]]:
    """Scored rows of an earlier call by path; failed ones are tried again.

    Raises:
        ValueError: If the rows are of another detector, code or params, or the file holds something else.
    """
    if not path.exists():
        return {}
    rows = [row for row in read_lines(path) if row["status"] == SCORED]
    known = json.loads(to_line(provenance))
    for row in rows:
        if row["provenance"] != known:
            others = {**row["provenance"]}
            keys = sorted(key for key in {*known, *others} if known.get(key) != others.get(key))
            raise ValueError(
                f"{path} must hold rows of the same detector, code and params; got another {' and '.join(keys)} for "
                f"{one_line(row['path'])}. Name another file, or delete it."
            )
    return {row["path"]: row for row in rows}


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write one line per file as CSV."""
    write_csv(path, _FLAT.names, map(flat, rows))


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """Write one row per file as parquet: the columns of the CSV, and the people with their frames."""
    schema = _FLAT.append(pa.field("people", pa.list_(_PERSON)))
    content = [{**flat(row), "people": row.get("people") or []} for row in rows]
    with atomic_write(path) as temporary:
        pq.write_table(pa.Table.from_pylist(content, schema=schema), temporary)


def flat(row: Row) -> dict[str, Any]:
    """A row without its nested values, its texts as `readable` gives them."""
    faces, frames, made = row.get("faces") or {}, row.get("frames") or {}, row["provenance"]
    detector, worth = made["detector"], row.get("evidence") or {}
    values = {
        "path": row["path"],
        "status": row["status"],
        "score": row["score"],
        **{field.name: worth.get(field.name) for field in _EVIDENCE},
        "warnings": "; ".join(row.get("warnings") or ()),
        "error": row["error"],
        **{f"faces_{name}": faces.get(name) for name in _FACES},
        "shots": row.get("shots"),
        "frames_sampled": frames.get("sampled"),
        "frames_missed": len(frames["missed"]) if frames else None,
        "damage": row.get("damage"),
        "notes": "; ".join(row.get("notes") or ()),
        "trained_on": row["trained_on"],
        "sha256": row["sha256"],
        "detector": f"{detector['run']}/{detector['condition']}/seed{detector['seed']}",
        "detector_sha256": detector["sha256"],
        "code": made["code"],
        "version": made["version"],
        "params": to_line(made["params"]),
    }
    return {name: readable(value) if isinstance(value, str) else value for name, value in values.items()}


def summary(rows: Iterable[Row]) -> str:
    """How many files were scored and how many failed."""
    states = [row["status"] for row in rows]
    return f"{states.count(SCORED)} of {len(states)} files scored, {states.count(FAILED)} failed"
