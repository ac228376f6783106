r"""A table of the paper in four formats: Markdown, LaTeX, CSV and HTML.

In Markdown and LaTeX the lines of a row are below each other: ours, (in LaTeX) its interval, the paper's number,
and the difference. CSV has one line per cell with everything known of it. HTML is a fragment for the report's page.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.render.grids import escape, latex_grid, load_template, markdown_grid
from deepfake_adv.reporting.specs import Row, metric_label
from deepfake_adv.reporting.tables import Cell, Table

CSV_COLUMNS: Final = (
    "table", "row", "label", "column", "train", "test", "metric", "state", "value", "low", "high", "best",
    "paper", "paper_bold", "difference", "vs_baseline", "vs_low", "vs_high", "vs_p", "run", "dataset", "data", "seeds",
)  # fmt: skip
_TEMPLATE: Final = Path(__file__).with_name("table.jinja")


def markdown(table: Table) -> str:
    """One table with title, legend and notes."""
    heads = ["", "", *(common.head(table.spec, column, metric) for column, metric in table.spec.heads())]
    rows = [line for row in table.spec.rows for line in _markdown_lines(table, row)]
    grid = markdown_grid([*heads, *_versus_head(table)], rows, labels=2)
    notes = [f"- {note}" for note in table.notes]
    return "\n".join([f"### {table.title}", "", *common.legends(table), "", grid, "", *notes, ""])


def _markdown_lines(table: Table, row: Row) -> Iterator[list[str]]:
    cells = _cells(table, row)
    ours = [common.absent(cell) for cell in cells]
    for place, cell in enumerate(cells):
        if cell.ours is not None:
            value, span = common.number(cell.ours.value), common.span(cell)
            ours[place] = (f"**{value}**" if cell.best else value) + (f" ({span})" if span else "")
    yield [common.row_label(row), "ours", *ours, *_versus(table, row)]
    if any(cell.paper is not None for cell in cells):
        printed = (f"**{common.paper(cell)}**" if cell.paper_bold else common.paper(cell) for cell in cells)
        yield ["", "*paper*", *printed]
    if any(differences := _differences(cells)):
        yield ["", "*ours − paper*", *differences]


def latex(table: Table) -> str:
    """One floating table; needs booktabs and graphicx."""
    spec = table.spec
    heads = ["", "", *(common.name(spec, column, metric) for column, metric in spec.heads())]
    return latex_grid(
        [*heads, *_versus_head(table)],
        [line for row in spec.rows for line in _latex_lines(table, row)],
        labels=2,
        caption=f"{table.title}. {' '.join(common.legends(table))}",
        label=spec.file,
        spans=common.spans(spec),
        notes=" ".join(table.notes),
    )


def _latex_lines(table: Table, row: Row) -> Iterator[list[str]]:
    cells = _cells(table, row)
    yield [escape(common.row_label(row)), "ours", *map(_latex_ours, cells), *map(escape, _versus(table, row))]
    if any(map(common.span, cells)):
        yield ["", "", *(_small(common.span(cell)) for cell in cells)]
    yield ["", r"\textit{paper}", *map(_latex_paper, cells)]
    if any(differences := _differences(cells)):
        yield ["", r"\textit{ours$-$paper}", *map(_small, differences)]


def _latex_ours(cell: Cell) -> str:
    if cell.ours is None:
        return escape(common.absent(cell))
    value = common.number(cell.ours.value)
    return rf"\textbf{{{value}}}" if cell.best else value


def _latex_paper(cell: Cell) -> str:
    value = escape(common.paper(cell))
    return rf"\textit{{\textbf{{{value}}}}}" if cell.paper_bold else rf"\textit{{{value}}}"


def _small(text: str) -> str:
    return rf"{{\scriptsize {escape(text)}}}" if text else ""


def _cells(table: Table, row: Row) -> list[Cell]:
    return [table.cell(row, column, metric) for column, metric in table.spec.heads()]


def _versus_head(table: Table) -> list[str]:
    return [common.VERSUS] if table.versus else []


def _versus(table: Table, row: Row) -> list[str]:
    return [common.difference(table.versus[row.id])] if row.id in table.versus else []


def _differences(cells: list[Cell]) -> list[str]:
    return ["" if cell.difference is None else common.signed(cell.difference) for cell in cells]


def csv_rows(table: Table) -> Iterator[list[Any]]:
    """One row per cell, by `CSV_COLUMNS`."""
    for row in table.spec.rows:
        for column, metric in table.spec.heads():
            cell = table.cell(row, column, metric)
            ours, versus = cell.ours, cell.versus
            yield [
                table.spec.id, row.id, common.row_label(row),
                column.id, column.train, column.test, metric_label(metric), cell.state,
                *((_number(ours.value), _number(ours.low), _number(ours.high)) if ours else ("", "", "")),
                int(cell.best), _number(cell.paper), int(cell.paper_bold), _number(cell.difference),
                *(_number(value) for value in (versus or [None] * 4)),
                *((ours.run, ours.dataset, ours.counts, " ".join(map(str, ours.seeds))) if ours else ("",) * 4),
            ]  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.4f}".rstrip("0").rstrip(".")


def html(table: Table) -> str:
    """One table as a ``<figure>``; the page brings style and sorting, every number its sorting key."""
    return load_template(_TEMPLATE).render(table=table, spec=table.spec, common=common) + "\n"
