r"""Grids of text as Markdown and as LaTeX (booktabs, graphicx): the one place where tables are drawn.

Markdown is tabulate's. LaTeX is written here: neither tabulate nor pandas draws heading lines whose labels span some
of the columns, a table that is scaled to the page's width, or a line of notes under it.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from tabulate import tabulate

Spans = Sequence[tuple[str, int]]
"""One heading line: labels, each with the number of columns that it spans."""

_ESCAPES: Final = str.maketrans({
    "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "→": r"$\rightarrow$", "−": r"$-$", "–": "--",
    "σ": r"$\sigma$", "“": "``", "”": "''", ">": r"$>$", "<": r"$<$",
})  # fmt: skip


def markdown_grid(heads: Sequence[str], rows: Iterable[Sequence[str]], *, labels: int) -> str:
    """A Markdown table; the first `labels` columns are aligned to the left, numbers to the right."""
    align = ["left"] * labels + ["right"] * (len(heads) - labels)
    lines = [[cell.replace("|", "\\|") for cell in (*row, *[""] * (len(heads) - len(row)))] for row in rows]
    result: str = tabulate(lines, [*heads], tablefmt="pipe", colalign=align, disable_numparse=True)
    return result


def latex_grid(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    labels: int,
    caption: str,
    label: str,
    spans: Sequence[Spans] = (),
    notes: str = "",
) -> str:
    """A floating LaTeX table; needs booktabs and graphicx.

    Args:
        heads: Last line of the heading, plain text.
        rows: Cells, already LaTeX; a short row is filled up.
        labels: Columns of labels, on the left; all others hold numbers.
        caption: Plain text.
        label: For references.
        spans: Heading lines above `heads`; they begin after the columns of labels.
        notes: Plain text under the table.
    """
    width = len(heads)
    lines = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{'l' * labels}{'r' * (width - labels)}}}",
        r"\toprule",
        *(_latex_spans(line, labels, width) for line in spans),
        _latex_line([escape(head) for head in heads]),
        r"\midrule",
        *(_latex_line([*row, *[""] * (width - len(row))]) for row in rows),
        r"\bottomrule",
        r"\end{tabular}}",
        *([r"\par\smallskip\footnotesize " + escape(notes)] if notes else []),
        r"\end{table*}",
        "",
    ]
    return "\n".join(lines)


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex_spans(line: Spans, labels: int, width: int) -> str:
    cells = [rf"\multicolumn{{{size}}}{{c}}{{{escape(text)}}}" for text, size in line]
    after = width - labels - sum(size for _, size in line)
    return _latex_line([*[""] * labels, *cells, *[""] * after])


def escape(text: str) -> str:
    """Plain text for LaTeX."""
    return text.translate(_ESCAPES)


@cache
def load_template(path: Path) -> Template:
    """A Jinja template that escapes its values and fails on an undefined name."""
    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(path.name)
