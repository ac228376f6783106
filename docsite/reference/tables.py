"""The page on the paper's tables: the rows and columns of each, and what fills its cells."""

from deepfake_adv.reporting.specs import Column, Row, TableSpec, load_specs, metric_label
from docsite.reference.markdown import code, prose, table


def page() -> str:
    """Markdown of the page."""
    parts = "\n".join(map(_table, load_specs()))
    return f"""# Tables

The stage `tables` fills these tables of the paper from what was measured, and the report shows them beside the paper's
numbers. A row names an entry of `methods`, and by a detector's role an entry of `detectors` (`tables.roles` in
params.yaml). A column names a training condition and a test condition. A cell that no run fills says "not run". The
specification is data: `deepfake_adv/reporting/specs.yaml`.

{parts}"""


def _table(spec: TableSpec) -> str:
    metrics = ", ".join(metric_label(metric) for metric in spec.metrics)
    rows = [_row(row) for row in spec.rows]
    columns = [_column(column) for column in spec.columns]
    return f"""## {prose(spec.name)}

{prose(spec.title)}. Metrics: {metrics}. File: {code(f"reports/tables/{spec.file}")}.

{_kept(["row", "group", "method", "detector's role", "trained on", "source", "kernel size", "sigma", "steps"], rows)}
{_kept(["column", "group", "trained on", "tested on", "dataset", "victim", "mean of", "not in the paper"], columns)}"""


def _row(row: Row) -> list[str]:
    attack = [str(value) if row.source else "" for value in (row.kernel_size, row.sigma, row.steps)]
    method = "" if row.source else code(row.entry)
    return [prose(row.label), prose(row.group), method, code(row.detector), code(row.train), code(row.source), *attack]


def _column(column: Column) -> list[str]:
    named = map(code, (column.train, column.test, column.dataset, column.victim))
    return [
        prose(column.label),
        prose(column.group),
        *named,
        ", ".join(map(code, column.average)),
        ", ".join(map(code, column.absent)),
    ]


def _kept(heads: list[str], rows: list[list[str]]) -> str:
    """A table without the columns in which every cell is empty."""
    kept = [place for place in range(len(heads)) if not place or any(row[place] for row in rows)]
    return table([heads[place] for place in kept], [[row[place] for place in kept] for row in rows])
