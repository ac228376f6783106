"""Tables as CSV: one line per cell, everything that is known of it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from deepfake_adv import files
from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.specs import metric_label
from deepfake_adv.reporting.tables import Table

FIELDS: Final = (
    "table", "row", "label", "column", "train", "test", "metric", "state", "value", "low", "high", "best",
    "paper", "paper_bold", "difference", "vs_baseline", "vs_low", "vs_high", "vs_p", "run", "dataset", "data", "seeds",
)  # fmt: skip


def csv_text(table: Table) -> str:
    """One table, tidy."""
    return files.csv_text(FIELDS, _rows(table))


def _rows(table: Table) -> Iterator[Sequence[Any]]:
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
