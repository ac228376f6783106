"""What a table of a page is made of, and how it is written between its two comments."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.common import RESULTS

Results = Mapping[str, Any]
"""Content of result files by name, without .json."""

_TABLE: Final = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


class Aim(NamedTuple):
    """What was set out to be reached before the measurement.

    Attributes:
        value: The aim, in the unit of the row.
        least: Whether the figure should be at least, not at most, the aim.
    """

    value: float
    least: bool = False

    def missed(self, printed: float) -> bool:
        """Whether a figure, as it is printed, is on the wrong side."""
        return printed < self.value if self.least else printed > self.value


def at_least(value: float) -> Aim:
    """An aim of which more is better."""
    return Aim(value, least=True)


class Figure(NamedTuple):
    """One measured figure of a row.

    Attributes:
        value: As measured.
        form: How it is printed, such as ".1f".
        aim: None where none was set.
    """

    value: float
    form: str = ".2f"
    aim: Aim | None = None

    def __str__(self) -> str:
        return format(self.value, self.form)

    def aimed(self) -> str:
        """The aim's cell: its value, and whether it was missed."""
        if self.aim is None:
            return ""
        aim = f"{self.aim.value:g}"
        return f"**{aim} missed**" if self.aim.missed(float(f"{self.value:{self.form}}")) else aim


class Row(NamedTuple):
    """A row: what is measured, in which unit, and one figure or several."""

    what: str
    unit: str
    figures: Sequence[Figure]

    def cells(self) -> tuple[str, str, str]:
        """What, measured, aim."""
        measured = "; ".join(map(str, self.figures)) + (f" {self.unit}" if self.unit else "")
        aims = [figure.aimed() for figure in self.figures]
        if len(set(aims)) == 1:
            aims = aims[:1]
        return self.what, measured, "; ".join(aim or "–" for aim in aims) if any(aims) else ""


class Table(NamedTuple):
    """A table of a page.

    Attributes:
        files: Names of the result files that it is written from; where one is not there, the table says so. Without
            files, nothing is said of when and where.
        head: Titles of its columns.
        rows: From the results to the cells of each row.
    """

    files: Sequence[str]
    head: Sequence[str]
    rows: Callable[[Results], Sequence[Sequence[str]]]


def written(text: str, tables: Mapping[str, Table], results: Results) -> str:
    """A page with its tables written anew.

    Raises:
        ValueError: If the page has a table that is not in ``tables``.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[2]
        if name not in tables:
            raise ValueError(
                f"table must be one of {', '.join(tables)}; got {name!r}. Correct the comment in the page."
            )
        return f"{found[1]}{_markdown(tables[name], results)}{found[3]}"

    return _TABLE.sub(replaced, text)


def read_results(folder: Path = RESULTS) -> Results:
    """Content of all result files by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def _markdown(table: Table, results: Results) -> str:
    missing = [f"benchmarks/results/{name}.json" for name in table.files if name not in results]
    if missing:
        return f"Not measured: there is no {' and no '.join(missing)}.\n\n"
    lines = [table.head, ["---"] * len(table.head), *table.rows(results)]
    rows = "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)
    return f"{rows}\n{_origin(table.files, results)}\n" if table.files else f"{rows}\n"


def _origin(files: Sequence[str], results: Results) -> str:
    """When and where each file was measured; files of one machine and day share a sentence."""
    places: dict[str, list[str]] = {}
    for name in files:
        machine = results[name]["machine"]
        commit = f", commit {machine['commit']}" if machine.get("commit") else ""
        gpu = f" and {machine['gpu']}" if machine.get("gpu") else ""
        place = f"{machine['date']}, {machine['cores']} cores of {machine['processor']}{gpu}{commit}"
        load = f" (load {machine['load']:.1f})" if machine.get("load") is not None else ""
        places.setdefault(place, []).append(f"[{name}.json](../benchmarks/results/{name}.json){load}")
    return "".join(f"Measured {place}: {', '.join(links)}.\n" for place, links in places.items())
