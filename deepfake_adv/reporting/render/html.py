"""Tables as HTML fragments for the report: the page brings style and sorting."""

from html import escape
from itertools import groupby

from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.specs import metric_label
from deepfake_adv.reporting.tables import Cell, Table


def html(table: Table) -> str:
    """One table as a ``<figure>``; every number carries its sorting key."""
    spec = table.spec
    heads = spec.heads()
    out = [f'<figure class="table" id="{spec.file}">', f"<figcaption><h3>{escape(f'{spec.name}. {spec.title}')}</h3>"]
    if table.own_corpus and table.measured:
        out.append(f'<p class="made">Our numbers here are from {escape(table.own_corpus)}, the paper’s are not.</p>')
    out.append(f'<p class="legend">{escape(" ".join(common.legends(table)))}</p></figcaption>')
    out.append(
        '<div class="scroll" tabindex="0" role="region" aria-label="' + escape(f"{spec.name}, scrollable", True) + '">'
    )
    out.append('<table class="sortable"><thead>')
    extra = 1 if table.versus else 0
    if any(column.group for column in spec.columns):
        out.append(_spanning([(column.group, column.group) for column, _ in heads], extra))
    if len(spec.metrics) > 1:
        out.append(_spanning([(column.id, column.label) for column, _ in heads], extra))
    several = len(spec.metrics) > 1
    names = [metric_label(metric) if several else f"{column.label} {metric_label(metric)}" for column, metric in heads]
    titles = [common.head(spec, column, metric) for column, metric in heads]
    first = "Source" if spec.kind == "attack" else "Method"
    out.append(f'<tr class="sort"><th scope="col"><button type="button">{first}</button></th>')
    out += [
        f'<th scope="col"><button type="button" aria-label="Sort by {escape(title, True)}">{escape(name)}</button></th>'
        for name, title in zip(names, titles, strict=True)
    ]
    out.append(f'<th scope="col"><button type="button">{common.VERSUS}</button></th>' if extra else "")
    out.append("</tr></thead><tbody>")
    for index, row in enumerate(spec.rows):
        out.append(f'<tr><th scope="row" data-v="{index}">{escape(common.row_label(row))}</th>')
        out += [_cell(table.cell(row, column, metric)) for column, metric in heads]
        if extra:
            versus = table.versus.get(row.id)
            text = (
                escape(common.difference(versus)).replace(" (", '<span class="ci">(', 1) + "</span>" if versus else ""
            )
            out.append(f'<td class="versus" data-v="{f"{versus.value:.4f}" if versus else ""}">{text}</td>')
        out.append("</tr>")
    out.append("</tbody></table></div>")
    out.append('<ul class="notes">' + "".join(f"<li>{escape(note)}</li>" for note in table.notes) + "</ul></figure>")
    return "\n".join(part for part in out if part) + "\n"


def _spanning(labels: list[tuple[str, str]], extra: int) -> str:
    groups = [(key, len(list(members))) for key, members in groupby(labels)]
    cells = [f'<th colspan="{size}" scope="colgroup">{escape(label)}</th>' for (_, label), size in groups]
    return f'<tr class="groups"><td></td>{"".join(cells)}{"<td></td>" * extra}</tr>'


def _cell(cell: Cell) -> str:
    if cell.state == "none":
        return f'<td class="none" data-v="">{common.NONE}</td>'
    printed = ""
    if cell.paper is not None:
        value = f"<b>{common.paper(cell)}</b>" if cell.paper_bold else common.paper(cell)
        gap = f" <i>{common.signed(cell.difference)}</i>" if cell.difference is not None else ""
        printed = f'<span class="paper">paper {value}{gap}</span>'
    if cell.ours is None:
        return f'<td class="unrun" data-v=""><span class="word">{common.absent(cell)}</span>{printed}</td>'
    value = common.number(cell.ours.value)
    value = f"<strong>{value}</strong>" if cell.best else f"<span>{value}</span>"
    interval = f'<span class="ci">{common.span(cell)}</span>' if common.span(cell) else ""
    tip = f"{cell.ours.run}: {cell.ours.counts}" if cell.ours.counts else cell.ours.run
    if cell.versus:
        tip += f"; vs baseline {common.difference(cell.versus)}"
    return f'<td data-v="{cell.ours.value:.4f}" title="{escape(tip, True)}">{value}{interval}{printed}</td>'
