"""Pieces of Markdown that the pages of the reference share."""

import inspect
import re
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell with a line break or a bar is made to fit into one line."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def code(text: object) -> str:
    """The text as code; an empty text stays empty."""
    return f"`{text}`" if str(text) else ""


def prose(text: str) -> str:
    """A sentence in which ``<`` is no tag, and ``*`` and ``_`` no emphasis."""
    parts = text.replace("``", "`").split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_") for part in parts[::2]]
    return "`".join(parts)


def first_paragraph(docstring: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((docstring or "").strip().partition("\n\n")[0].split())


def attributes(documented: type) -> dict[str, str]:
    """What a class's docstring says of its attributes: name -> text."""
    listed = inspect.cleandoc(documented.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", listed, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
