"""Tables as Markdown: under each method's numbers the paper's, then the difference, as marked lines."""

from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.tables import Table


def markdown(table: Table) -> str:
    """One table with title, legend and notes."""
    heads = table.spec.heads()
    titles = ["", "", *(common.head(table.spec, column, metric) for column, metric in heads)]
    if table.versus:
        titles.append(common.VERSUS)
    lines = [f"### {table.title}", "", *common.legends(table), ""]
    lines += [_line(titles), _line(["---", "---", *("---:" for _ in titles[2:])])]
    for row in table.spec.rows:
        cells = [table.cell(row, column, metric) for column, metric in heads]
        versus = [common.difference(table.versus[row.id])] if row.id in table.versus else []
        ours = []
        for cell in cells:
            if cell.ours is None:
                ours.append(common.absent(cell))
                continue
            value, span = common.number(cell.ours.value), common.span(cell)
            ours.append((f"**{value}**" if cell.best else value) + (f" ({span})" if span else ""))
        lines.append(_line([common.row_label(row), "ours", *ours, *versus]))
        printed = [f"**{common.paper(cell)}**" if cell.paper_bold else common.paper(cell) for cell in cells]
        if any(cell.paper is not None for cell in cells):
            lines.append(_line(["", "*paper*", *printed]))
        differences = ["" if cell.difference is None else common.signed(cell.difference) for cell in cells]
        if any(differences):
            lines.append(_line(["", "*ours − paper*", *differences]))
    return "\n".join([*lines, "", *(f"- {note}" for note in table.notes), ""])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").strip() for cell in cells) + " |"
