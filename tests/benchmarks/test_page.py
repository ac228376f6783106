"""Pages of figures hold what the result files hold."""

import json

import pytest

from benchmarks.common import machine
from benchmarks.page.__main__ import PAGES, ROOT
from benchmarks.page.table import Aim, Figure, Row, Table, at_least, read_results, written
from benchmarks.page.tables import TABLES

# calibration and power are described, attempt by attempt, in docs/calibration.md and docs/evidence.md; stages and
# starts hold the rates that `deepfake-adv plan` multiplies.
ELSEWHERE = {"calibration", "power", "stages", "starts"}


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_is_what_the_script_writes(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert written(text, TABLES, read_results()) == text


def test_every_table_is_on_a_page_and_every_result_in_a_table():
    pages = "".join((ROOT / name).read_text(encoding="utf-8") for name in PAGES)
    assert [name for name in TABLES if pages.count(f"<!-- table: {name} -->") != 1] == []
    named = {name for table in TABLES.values() for name in table.files}
    assert named >= set(read_results()) - ELSEWHERE
    scripts = {path.stem for path in (ROOT / "benchmarks").iterdir()}
    assert {name.partition("-")[0] for name in named} - scripts == {"plan"}  # plan_check writes it


def results(folder, **values):
    facts = {"date": "2026-12-01", "cores": 2, "processor": "P", "commit": "abc", "load": 0.5}
    (folder / "a.json").write_text(json.dumps({"machine": facts, **values}), encoding="utf-8")
    return read_results(folder)


def test_a_changed_result_changes_its_table(tmp_path):
    table = Table(["a"], ["what", "measured", "aim"], lambda found: [Row("x", "s", [Figure(found["a"]["x"])]).cells()])
    page = "# Title\n<!-- table: t -->\nold\n<!-- end of table -->\nText\n"
    first = written(page, {"t": table}, results(tmp_path, x=1.0))
    assert "| x | 1.00 s | |\n" in first
    assert "Measured 2026-12-01, 2 cores of P, commit abc: [a.json](../benchmarks/results/a.json) (load 0.5)." in first
    assert first.startswith("# Title\n")
    assert first.endswith("<!-- end of table -->\nText\n")
    assert "| x | 2.00 s | |\n" in written(first, {"t": table}, results(tmp_path, x=2.0))


def test_a_table_without_its_result_says_so(tmp_path):
    page = "<!-- table: t -->\nold\n<!-- end of table -->\n"
    (line,) = written(page, {"t": TABLES["demo"]}, read_results(tmp_path)).splitlines()[1:-2]
    assert line == "Not measured: there is no benchmarks/results/build.json."


def test_a_demo_that_was_built_has_its_rows():
    facts = {
        "machine": {"date": "2026-12-01", "cores": 2, "processor": "P"},
        "bytes": {"environment": 7e9, "outputs": 6e8},
    }
    found = {"build": {**facts, "first": {"wall_s": 960.0}, "again": {"wall_s": 6.1}}}
    cells = [row[1:] for row in TABLES["demo"].rows(found)]
    assert cells == [("16.0 minutes", "**15 missed**"), ("6 s", "10"), ("7.0; 0.6 GB", "")]


def test_a_table_that_nobody_writes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="table must be one of t; got 'other'"):
        written("<!-- table: other -->\n<!-- end of table -->", {"t": TABLES["blur"]}, {})


def test_aims_are_judged_as_printed():
    assert Figure(1.904, ".1f", Aim(1.9)).aimed() == "1.9"
    assert Figure(1.96, ".1f", Aim(1.9)).aimed() == "**1.9 missed**"
    assert Figure(0.89, ".2f", at_least(0.9)).aimed() == "**0.9 missed**"
    assert Row("x", "", [Figure(1, "d", Aim(2)), Figure(1, "d", Aim(2))]).cells() == ("x", "1; 1", "2")
    assert Row("x", "", [Figure(1, "d"), Figure(3, "d", Aim(2))]).cells() == ("x", "1; 3", "–; **2 missed**")


def test_a_result_records_its_commit():
    assert machine()["commit"] is None or len(machine()["commit"].removesuffix("-dirty")) >= 7
