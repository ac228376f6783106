r"""Tables as LaTeX (booktabs, graphicx): ours, its interval and the paper's number under each other."""

from typing import Final

from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.specs import Row
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
        rf"\label{{tab:{spec.file}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{ll{'r' * wide}}}",
        r"\toprule",
    ]
    tail = [common.VERSUS] if table.versus else []
    lines += [_spanning(line, len(tail)) for line in common.spans(spec)]
    names = [escape(common.name(spec, column, metric)) for column, metric in heads]
    lines += [_line(["", "", *names, *tail]), r"\midrule"]
    for row in spec.rows:
        lines += _row_lines(table, row, len(tail))
    lines += [
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip\footnotesize " + escape(" ".join(table.notes)),
        r"\end{table*}",
        "",
    ]
    return "\n".join(lines)


def _row_lines(table: Table, row: Row, extra: int) -> list[str]:
    """Ours, its interval, the paper's number and the difference, under each other."""
    cells = [table.cell(row, column, metric) for column, metric in table.spec.heads()]
    blank = [""] * extra
    versus = [escape(common.difference(table.versus[row.id]))] if row.id in table.versus else blank
    lines = [_line([escape(common.row_label(row)), "ours", *map(_ours, cells), *versus])]
    if any(map(common.span, cells)):
        lines.append(_line(["", "", *(_small(common.span(cell)) for cell in cells), *blank]))
    lines.append(_line(["", r"\textit{paper}", *map(_paper, cells), *blank]))
    differences = ["" if cell.difference is None else common.signed(cell.difference) for cell in cells]
    if any(differences):
        lines.append(_line(["", r"\textit{ours$-$paper}", *map(_small, differences), *blank]))
    return lines


def _spanning(line: list[tuple[str, int]], extra: int) -> str:
    cells = [rf"\multicolumn{{{size}}}{{c}}{{{escape(label)}}}" for label, size in line]
    return _line(["", "", *cells, *[""] * extra])


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
