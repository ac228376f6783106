r"""Tables as LaTeX (booktabs, graphicx): ours, its interval and the paper's number under each other."""

from itertools import groupby
from typing import Final

from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.specs import metric_label
from deepfake_adv.reporting.tables import Cell, Table

_ESCAPES: Final = str.maketrans({
    "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "→": r"$\rightarrow$", "−": r"$-$", "–": "--",
    "σ": r"$\sigma$", "“": "``", "”": "''", ">": r"$>$", "<": r"$<$",
})  # fmt: skip


def escape(text: str) -> str:
    """Plain text for LaTeX."""
    return text.translate(_ESCAPES)


def latex(table: Table) -> str:
    """One floating table; needs booktabs and graphicx."""
    spec = table.spec
    heads = spec.heads()
    wide = len(heads) + bool(table.versus)
    lines = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{escape(table.title)}. {escape(' '.join(common.legends(table)))}}}",
    ]
    lines += [
        rf"\label{{tab:{spec.file}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{ll{'r' * wide}}}",
        r"\toprule",
    ]
    if any(column.group for column in spec.columns):
        lines.append(_spanning([column.group for column, _ in heads], bool(table.versus)))
    if len(spec.metrics) > 1:
        lines.append(_spanning([column.label for column, _ in heads], bool(table.versus)))
        names = [metric_label(metric) for _, metric in heads]
    else:
        names = [f"{column.label} {metric_label(metric)}" for column, metric in heads]
    tail = [common.VERSUS] if table.versus else []
    lines += [" & ".join(["", "", *map(escape, names), *tail]) + r" \\", r"\midrule"]
    for row in spec.rows:
        cells = [table.cell(row, column, metric) for column, metric in heads]
        versus = [escape(common.difference(table.versus[row.id]))] if row.id in table.versus else [""] * len(tail)
        lines.append(_line([escape(common.row_label(row)), "ours", *map(_ours, cells), *versus]))
        if any(map(common.span, cells)):
            lines.append(_line(["", "", *(_small(common.span(cell)) for cell in cells), *([""] * len(tail))]))
        lines.append(_line(["", r"\textit{paper}", *map(_paper, cells), *([""] * len(tail))]))
        differences = ["" if cell.difference is None else common.signed(cell.difference) for cell in cells]
        if any(differences):
            lines.append(_line(["", r"\textit{ours$-$paper}", *map(_small, differences), *([""] * len(tail))]))
    lines += [
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip\footnotesize " + escape(" ".join(table.notes)),
        r"\end{table*}",
        "",
    ]
    return "\n".join(lines)


def _spanning(labels: list[str], extra: bool) -> str:
    groups = [(label, len(list(members))) for label, members in groupby(labels)]
    cells = [rf"\multicolumn{{{size}}}{{c}}{{{escape(label)}}}" for label, size in groups]
    return " & ".join(["", "", *cells, *([""] if extra else [])]) + r" \\"


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _ours(cell: Cell) -> str:
    if cell.ours is None:
        return escape(common.absent(cell))
    value = common.number(cell.ours.value)
    return rf"\textbf{{{value}}}" if cell.best else value


def _paper(cell: Cell) -> str:
    value = escape(common.paper(cell))
    return rf"\textit{{\textbf{{{value}}}}}" if cell.paper_bold else rf"\textit{{{value}}}"


def _small(text: str) -> str:
    return rf"{{\scriptsize {escape(text)}}}" if text else ""
