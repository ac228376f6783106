"""The report, by its bytes and as Chromium shows it."""

import re

import pytest

from deepfake_adv.reporting.page import worded, write_report
from deepfake_adv.reporting.shown.base import Inputs
from deepfake_adv.reporting.write_tables import write_levels, write_tables


def inputs_of(root):
    names = ("reports/tables", "reports/evaluation", "reports/roc", "data/examples", "reports/robustness")
    return Inputs(*(root / name for name in (*names, "data/inventory", "data/faces", "data/crops")))


def make_report(project, tables, runs, folder):
    write_tables(list(tables.values()), project / "reports/tables")
    write_levels(project / "reports/evaluation", runs, project / "reports/tables")
    inventory = project / "data/inventory/report.csv"
    inventory.parent.mkdir(parents=True, exist_ok=True)
    inventory.write_text("dataset,quality,present,missing\ncorpus,c23,10,0\n")
    faces = project / "data/faces/corpus/videos.csv"
    faces.parent.mkdir(parents=True, exist_ok=True)
    faces.write_text(
        "dataset,target,video,quality,shots,others,asked,detected,filled,dropped,missed_share,named\n"
        "corpus,1,real/1,,1,2,20,4,0,16,0.800,1\n"
        "corpus,2,real/2,,1,0,20,20,0,0,0.000,0\n"
    )
    made = {"corpus": "a synthetic corpus of rendered faces"}
    page = folder / "report.html"
    write_report(
        inputs_of(project),
        page,
        folder / "figures",
        title="A <title>",
        dpi=60,
        runs=runs,
        baseline="baseline",
        confidence=0.95,
        own_corpus=made,
    )
    return page


@pytest.fixture(scope="module")
def report(project, tables, runs, tmp_path_factory):
    return make_report(project, tables, runs, tmp_path_factory.mktemp("report"))


def test_page_is_self_contained(report):
    text = report.read_text()
    addresses = {address for address in re.findall(r'https?://[^"\'<\s)]+', text) if "w3.org" not in address}
    assert not addresses
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert "A &lt;title&gt;" in text


def test_videos_without_a_face_and_with_several_are_named(report):
    text = report.read_text()
    assert "<h3>Videos with many such frames</h3>" in text
    row = re.search(r"<tr><th scope=\"row\">corpus</th><td class=\"text\">real/1</td>.*</tr>", text)
    assert row is not None
    assert re.findall(r'data-v="([^"]+)"', row.group(0)) == ["20", "4", "0", "16", "0.800"]
    assert "corpus: 1 of 2 videos show other faces than the one taken, 2 tracks of them" in text


def test_ids_are_unique_and_references_lead_somewhere(report):
    text = report.read_text()
    ids = re.findall(r'\bid="([^"]+)"', text)
    sections = [name for name in ids if not re.match(r"(roc|training|heatmap|figure\d)-", name)]
    assert len(sections) == len(set(sections))
    for target in re.findall(r'href="#([^"]+)"', text):
        assert target in ids


def test_same_input_same_page(report, project, tables, runs, tmp_path):
    assert make_report(project, tables, runs, tmp_path).read_bytes() == report.read_bytes()


def test_a_project_without_runs_still_reports(tmp_path):
    page = tmp_path / "report.html"
    write_report(inputs_of(tmp_path), page, tmp_path / "figures", title="Empty", dpi=60, runs={},
        baseline="baseline", confidence=0.95, own_corpus={},
    )  # fmt: skip
    assert "No run has been evaluated yet" in page.read_text()


def test_tables_that_were_not_run_are_one_line(report):
    text = report.read_text()
    folded = text[text.index('<details class="idle">') :]
    assert "<summary>Not run, the paper’s numbers alone: Table III, Table VI, " in folded
    assert folded.index('id="table_03"') < folded.index("</details>")
    assert text.index('id="table_01"') < text.index('<details class="idle">')


def test_on_a_corpus_of_our_own_no_difference_to_the_paper_is_named(report):
    assert "ours − paper" not in report.read_text()
    assert "no difference is taken" in report.read_text()


def test_the_first_lines_say_what_the_numbers_are_and_are_not(report):
    header = re.sub(r"\s+", " ", report.read_text().partition("<header>")[2].partition("</header>")[0])
    assert "The numbers on corpus come from a synthetic corpus of rendered faces." in header
    assert "do not show whether the adversarial game helps on other data" in header
    assert "40 steps; seed 0; no pretrained weights" in header


def test_headings_are_words():
    heads = ("frame auc", "video fpr", "test", "max_gap")
    assert list(map(worded, heads)) == ["Frame, AUC", "Video, FPR", "Tested on", "Max gap"]


@pytest.fixture
def open_page(browser, report):
    pages = []

    def open_at(width, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.faults = []
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else page.faults.append(r.url))
        page.goto(report.as_uri())
        pages.append(page)
        return page

    yield open_at
    for page in pages:
        page.close()


def test_content_is_shown_without_errors(open_page):
    page = open_page(1280)
    assert page.title() == "A <title>"
    assert page.locator("figure.table").count() == 18
    assert page.locator("#fig-roc svg, #fig-training svg, #fig-heatmap svg, #fig-figure2 svg").count() == 4
    head = page.locator("header").inner_text()
    for part in ("synthetic corpus", "torch 2.0", "cpu (test)", "2 detectors in 2 runs"):
        assert part in head
    assert page.locator("#fig-roc svg").bounding_box()["width"] > 300
    assert page.faults == []


def test_on_a_narrow_screen_numbers_follow_the_rows_name(open_page):
    """Detector and conditions are columns where there is room, else below the name."""
    for width, narrow in ((1280, False), (380, True)):
        page = open_page(width)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        for table in ("#summary table >> nth=0", "#summary details table", "#meaning table"):
            row = page.locator(table).locator("tbody tr").nth(0)
            assert row.locator("th .where").is_visible() == narrow
            assert row.locator("td:visible").nth(0).evaluate("cell => cell.matches('.text')") != narrow
            assert row.locator("th").evaluate("cell => getComputedStyle(cell).position") == "sticky"


@pytest.mark.parametrize("width", [320, 380, 768])
def test_nothing_overflows_sideways(open_page, width):
    page = open_page(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('#table_01 .scroll').scrollWidth") > width  # it scrolls in its box


def test_on_a_narrow_screen_every_auc_comes_first(open_page):
    metrics = "cells => cells.map(cell => cell.dataset.m)"
    wide = open_page(1280).locator("#table_01 tr.sort [data-m]").evaluate_all(metrics)
    page = open_page(380)
    narrow = page.locator("#table_01 tr.sort [data-m]").evaluate_all(metrics)
    row = page.locator("#table_01 tbody tr").nth(0).locator("[data-m]").evaluate_all(metrics)
    assert wide[:2] == ["auc", "acc"]
    assert narrow == row == sorted(wide, reverse=True)


def test_labels_in_figures_are_large_enough(open_page):
    """Exponents too, in every figure; also those in folded details."""
    size = """texts => Math.min(...texts.map(
        text => parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a))"""
    for width in (380, 1280):
        page = open_page(width)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        assert page.locator("figure.picture svg :is(text, tspan)").evaluate_all(size) >= 9


def test_pressing_a_heading_sorts(open_page):
    page = open_page(1280)
    column = "#table_02 tbody td:nth-child(2)"
    button = page.locator("#table_02 tr.sort button").nth(1)

    def values():
        found = page.locator(column).evaluate_all("cells => cells.map(cell => cell.dataset.v)")
        assert found.index("") == 2  # what was not run stays last
        return [float(value) for value in found if value]

    button.click()
    assert values() == sorted(values(), reverse=True)
    button.click()
    assert values() == sorted(values())
    assert page.locator("#table_02 th[aria-sort=ascending]").count() == 1


def test_light_and_dark(open_page):
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(900, scheme).evaluate(colour) for scheme in ("light", "dark"))
    assert sum(map(int, re.findall(r"\d+", light))) > 600
    assert sum(map(int, re.findall(r"\d+", dark))) < 150
