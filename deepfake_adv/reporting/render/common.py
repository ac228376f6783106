"""The text of numbers, headings and legends, the same in every format: two decimals, a typographic minus."""

from itertools import groupby
from typing import Final

from deepfake_adv.evaluation.paired import Difference
from deepfake_adv.reporting.specs import OTHER_RUNS, Column, Row, TableSpec, metric_label
from deepfake_adv.reporting.tables import Cell, Table

NOT_RUN: Final = "not run"
NONE: Final = "–"
VERSUS: Final = "vs baseline"
LEGEND: Final = (
    "Percent, frame level. Each of our numbers has its {confidence:g} % interval: a bootstrap over identities where "
    "they are known, else over videos, and over seeds where there are several. Bold: the best of a column among the "
    "rows of one detector, where the interval of its difference to each of them excludes 0."
)
PAPER_LEGEND: Final = "The paper's numbers are for FaceForensics++, DFD and Celeb-DF."
ATTACK_LEGEND: Final = (
    "Accuracy of the victim (column) on images made adversarial against the source (row), percent, with Wilson's "
    "95 % interval; lower is a stronger attack. The paper's numbers are for ImageNet's classifiers."
)
VERSUS_LEGEND: Final = (
    f"“{VERSUS}”: mean AUC over the row's measured columns minus the baseline's on the same videos, "
    "paired bootstrap with {confidence:g} % interval."
)


def number(value: float) -> str:
    """98.75"""
    return f"{value:.2f}"


def signed(value: float) -> str:
    """+1.20, −0.35, 0.00"""
    text = f"{value:+.2f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def span(cell: Cell) -> str:
    """97.10–99.30, empty without interval."""
    if cell.ours is None or cell.ours.low is None or cell.ours.high is None:
        return ""
    return f"{cell.ours.low:.2f}–{cell.ours.high:.2f}"


def paper(cell: Cell) -> str:
    """The paper's number, or a dash."""
    return NONE if cell.paper is None else number(cell.paper)


def absent(cell: Cell) -> str:
    """Text of a cell without our number."""
    return NONE if cell.state == "none" else NOT_RUN


def difference(value: Difference) -> str:
    """+1.20 (0.30 to 2.10, p = 0.012)"""
    if value.p != value.p:
        return signed(value.value)
    p = "p < 0.001" if value.p < 0.001 else f"p = {value.p:.3f}"
    return f"{signed(value.value)} ({signed(value.low)} to {signed(value.high)}, {p})"


def head(spec: TableSpec, column: Column, metric: str) -> str:
    """Heading in one line: "C23 → Raw AUC"."""
    parts = [column.group, column.label, metric_label(metric)]
    return " ".join(part for part in parts if part)


def name(spec: TableSpec, column: Column, metric: str) -> str:
    """Last line of a heading: the metric, with its column where no line above spans several metrics."""
    return metric_label(metric) if len(spec.metrics) > 1 else f"{column.label} {metric_label(metric)}"


def spans(spec: TableSpec) -> list[list[tuple[str, int]]]:
    """Lines of the heading above the last: labels, each with the number of columns that it spans."""
    lines = []
    if any(column.group for column in spec.columns):
        groups = groupby(column.group for column, _ in spec.heads())
        lines.append([(group, len(list(members))) for group, members in groups])
    if len(spec.metrics) > 1:
        lines.append([(column.label, len(spec.metrics)) for column in spec.columns])
    return lines


def legends(table: Table) -> list[str]:
    """Sentences that explain the table's numbers."""
    if table.spec.kind == "attack":
        return [ATTACK_LEGEND]
    chosen = [LEGEND, *([] if table.spec.id == OTHER_RUNS else [PAPER_LEGEND])]
    chosen += [VERSUS_LEGEND] if table.versus else []
    return [legend.format(confidence=100 * table.confidence) for legend in chosen]


def row_label(row: Row) -> str:
    """A row's label with its group in front where it has one."""
    return f"{row.group}, {row.label}" if row.group else row.label
