import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from deepfake_adv.evaluation.paired import Difference
from deepfake_adv.reporting.render import common
from deepfake_adv.reporting.render.formats import CSV_COLUMNS, csv_rows, html, latex, markdown
from deepfake_adv.reporting.render.grids import escape, latex_grid, markdown_grid
from deepfake_adv.reporting.write_tables import index, write_tables

ALL = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI", "C", "TSN"]


def test_numbers_read_the_same_everywhere():
    assert common.signed(-1.234) == "−1.23"
    assert common.signed(0.5) == "+0.50"
    assert common.signed(-0.001) == "0.00"
    assert common.difference(Difference(1.2, 0.3, 2.1, 0.012)) == "+1.20 (+0.30 to +2.10, p = 0.012)"
    assert "p < 0.001" in common.difference(Difference(1.2, 0.3, 2.1, 0.0005))
    assert common.difference(Difference(1.2, 0, 0, float("nan"))) == "+1.20"


@pytest.mark.parametrize("name", ALL)
def test_markdown_is_a_table_of_even_width(tables, name):
    lines = [line for line in markdown(tables[name]).splitlines() if line.startswith("|")]
    widths = {line.count("|") - line.count("\\|") for line in lines[:2]}
    assert len(widths) == 1
    assert all(line.count("|") <= max(widths) for line in lines)


def test_markdown_shows_ours_the_papers_and_what_is_missing(tables):
    text = markdown(tables["I"])
    ours = tables["I"].cells["grad_bat", "DF", "auc"].ours
    assert f"{ours.value:.2f}** ({ours.low:.2f}–{ours.high:.2f})" in text or f"{ours.value:.2f} (" in text
    assert re.search(r"\| \*paper\* +\| +\*\*98.75\*\* \|", text)
    assert "not run" in text
    assert " – |" in text
    assert "vs baseline" in text
    assert text.splitlines()[0].endswith("RENDERED FACES")


@pytest.mark.parametrize("name", ALL)
def test_csv_has_a_line_per_cell(tables, name):
    rows = [dict(zip(CSV_COLUMNS, row, strict=True)) for row in csv_rows(tables[name])]
    assert len(rows) == len(tables[name].cells)
    for row in rows:
        cell = tables[name].cells[row["row"], row["column"], _metric(tables[name], row["metric"])]
        assert row["state"] == cell.state
        assert (float(row["value"]) if row["value"] else None) == pytest.approx(
            cell.ours.value if cell.ours else None, abs=1e-4
        )
        assert (float(row["paper"]) if row["paper"] else None) == cell.paper


def _metric(table, label):
    return next(metric for metric in table.spec.metrics if metric.lower() == label.lower())


@pytest.mark.parametrize("name", ALL)
def test_latex_rows_have_the_columns_announced(tables, name):
    text = latex(tables[name])
    announced = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text).group(1))
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert rows
    assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in rows} == {announced}
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert not set(text) & set("→−–σ“”")


def test_latex_escapes():
    assert escape("a_b & 5 % → σ") == r"a\_b \& 5 \% $\rightarrow$ $\sigma$"


class _Balance(HTMLParser):
    void = frozenset({"br", "img", "meta", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], 0

    def handle_starttag(self, tag, attrs):
        self.cells += tag == "td"
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ALL)
def test_html_is_balanced_and_sortable(tables, name):
    parser = _Balance()
    text = html(tables[name])
    parser.feed(text)
    assert parser.open == []
    assert parser.cells >= len(tables[name].cells)
    assert 'class="sortable"' in text
    assert "http" not in text
    assert ("Our numbers here are from" in text) == bool(tables[name].own_corpus)


def test_html_escapes_and_takes_a_difference_without_interval(tables):
    table = tables["II"]
    row = table.spec.rows[0]
    versus = {row.id: Difference(1.2, float("nan"), float("nan"), float("nan"))}
    text = html(replace(table, versus=versus, notes=["<b> & co"]))
    assert '<td class="versus" data-v="1.2000">+1.20</td>' in text
    assert "<li>&lt;b&gt; &amp; co</li>" in text
    parser = _Balance()
    parser.feed(text)
    assert parser.open == []


def test_writing_leaves_four_formats_and_an_index(tables, tmp_path):
    write_tables(list(tables.values()), tmp_path)
    assert len(list(tmp_path.glob("table_*.*"))) == 64
    for file in ("appendix_c.md", "tsn.csv", "index.md"):
        assert (tmp_path / file).stat().st_size
    text = index(list(tables.values()))
    assert re.search(r"\| \[Table II\]\(table_02\.md\) +\|", text)
    assert re.search(r"\| +18 of 18 \|", text)


def test_a_grid_escapes_and_fills_up_short_rows():
    lines = markdown_grid(["a", "b", "c"], [["x|y", "1"], ["z", "2", "3"]], labels=1).splitlines()
    assert [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines] == [
        ["a", "b", "c"], [":-----", "----:", "----:"], [r"x\|y", "1", ""], ["z", "2", "3"]
    ]  # fmt: skip
    text = latex_grid(["", "b", "c_d"], [["x", "1"]], labels=1, caption="5 %", label="t", spans=[[("σ", 2)]], notes="n")
    assert r"\begin{tabular}{lrr}" in text
    assert r"\caption{5 \%}" in text
    assert " & \\multicolumn{2}{c}{$\\sigma$} \\\\" in text
    assert " & b & c\\_d \\\\" in text
    assert "x & 1 &  \\\\" in text
    assert r"\footnotesize n" in text
    assert r"\footnotesize" not in latex_grid(["a"], [], labels=1, caption="", label="t")
