"""Tables that a user wrote: reading their lines, and what to do about the usual mistakes in them."""

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from deepfake_adv.files import read_text
from deepfake_adv.names import FAKE_LABEL, REAL_LABEL
from deepfake_adv.suggestions import did_you_mean

LABELS: Final = {"real": REAL_LABEL, "0": REAL_LABEL, "fake": FAKE_LABEL, "1": FAKE_LABEL}
"""What a column `label` may say, in lower case."""

_ENDS: Final = ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"))
_SHOWN: Final = 20


class TableLine(NamedTuple):
    """A line of a table: its number, its fields that are not empty, and what stands after the last column."""

    number: int
    fields: dict[str, str]
    beyond: list[str]


class UserTable(NamedTuple):
    """A table's columns and lines."""

    columns: list[str]
    lines: list[TableLine]


@contextmanager
def csv_errors(path: Path) -> Iterator[None]:
    """Turn the errors of reading a CSV file into one sentence that names the file.

    Raises:
        ValueError: If the file is no CSV, such as with a quoted field that does not end.
    """
    try:
        yield
    except csv.Error as error:
        raise ValueError(
            f"{path} must be a CSV file; got: {error}. Look for a quotation mark that is opened and never closed."
        ) from error


def read_table(path: Path) -> UserTable:
    """Read a CSV file with a header. Spaces around fields do not count, and empty fields are left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no CSV file in UTF-8, or names a column twice.
    """
    with csv_errors(path), StringIO(read_text(path), newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        columns = [name.strip() for name in reader.fieldnames or ()]
        if twice := [name for name, count in Counter(columns).items() if name and count > 1]:
            raise ValueError(f"{path} must name each column once; got {', '.join(columns)}. Remove one {twice[0]}.")
        reader.fieldnames = columns
        lines = []
        for row in reader:
            fields = {key: value.strip() for key, value in row.items() if key is not None and value and value.strip()}
            beyond: Any = row.get(None, [])  # type: ignore[call-overload]  # DictReader's key for them
            lines.append(TableLine(reader.line_num, fields, [value.strip() for value in beyond if value.strip()]))
        return UserTable(columns, lines)


def column_hint(
    columns: Sequence[str], known: Collection[str], otherwise: str, aliases: Mapping[str, str] = MappingProxyType({})
) -> str:
    """What to do about a header that lacks a column or has a strange one.

    Args:
        columns: The header's names.
        known: Names that it may have.
        otherwise: The hint where none of the usual mistakes was made.
        aliases: Other words for columns, in lower case.
    """
    text = ",".join(columns)
    for sign, name in _ENDS:
        if sign in text and not set(columns) & set(known):
            return f"Its fields are parted by {name}: save it with commas."
    strange = [name for name in columns if name not in known]
    missing = [name for name in known if name not in columns]
    for name in strange:
        if not name or name.startswith("Unnamed:"):
            return "One column has no name, as pandas writes the index: save it with index=False, or remove the column."
        meant = aliases.get(name.lower(), name.lower())
        if meant in missing:
            return f"Rename the column {name} to {meant}."
    for name in strange:
        if near := did_you_mean(name.lower(), missing).strip():
            return f"{near.removesuffix('?')} in place of {name}?"
    return otherwise


def backslash_hint(value: str) -> str | None:
    r"""What is wrong with a path of Windows, such as ``videos\a.mp4``; None for others."""
    return f"paths must have / between folders; got {value!r}. Replace each \\ by /" if "\\" in value else None


def raise_errors(path: Path, errors: Sequence[str]) -> None:
    """Report errors of lines all at once.

    Raises:
        ValueError: If there are any; names up to 20.
    """
    if errors:
        more = f"\n  and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
        listed = "\n".join(f"  - {error}" for error in errors[:_SHOWN])
        raise ValueError(f"{path} has {len(errors)} errors; correct them and run again:\n{listed}{more}")


def explained(columns: Mapping[str, str]) -> list[str]:
    """Columns with their meaning."""
    return [f"- {name}: {meaning}" for name, meaning in columns.items()]
