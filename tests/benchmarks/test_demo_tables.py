"""The demo's numbers on pages are what its evaluations hold."""

import re

import pytest

from benchmarks.demo_tables import FIRST, METHODS, ROOT, read_evaluation, tables
from benchmarks.page.table import written
from deepfake_adv.files import write_json

TESTS = [f"{forgery}_{quality}" for forgery in ("NT", "DF", "F2F", "FS") for quality in ("raw", "c23", "c40")]


@pytest.fixture
def known(tmp_path):
    """Tables of made-up evaluations: each cell is another number."""
    found = {}
    for number, name in enumerate(METHODS):
        entries = [
            {
                "train": f"NT_{train}",
                "test": test,
                "frame": {"auc": {"value": value, "low": value - 0.1, "high": 0.999}},
            }
            for k, train in enumerate(("raw", "c23", "c40"))
            for j, test in enumerate([*TESTS, "DFD_c23", "CelebDF_native"])
            for value in [0.5 + 0.03 * number + 0.002 * j + 0.0004 * k]
        ]
        write_json(tmp_path / f"{name}.json", {"results": entries})
        found[name] = read_evaluation(tmp_path / f"{name}.json")
    return tables(found)


def test_rows_hold_the_frames_auc_with_its_interval(known):
    page = written("<!-- table: demo-methods -->\n<!-- end of table -->", known, {})
    lines = page.splitlines()
    assert [line.split(" | ")[0] for line in lines[3:-2]] == [f"| {name}" for name in METHODS]
    assert lines[3].startswith("| baseline | 50 [40, 100] | 51 [41, 100] | ")
    assert len(lines[3].split(" | ")) == 7
    baseline = written("<!-- table: demo-baseline -->\n<!-- end of table -->", known, {}).splitlines()
    assert baseline[4] == "| c23 → c23 | 50.2 | 50.8 | 51.4 | 52.0 | 50.0 / 50.2 / 50.4 |"


def test_readme_has_the_rows_of_the_demos_page(known):
    readme, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/demo.md"))
    rows = {text: set(re.findall(r"^\| \w+ \| \d+ \[.*$", text, re.MULTILINE)) for text in (readme, page)}
    assert rows[readme] <= rows[page]
    assert {row.split()[1] for row in rows[readme]} == set(FIRST)
    for text in (readme, page):
        assert set(re.findall(r"<!-- table: ([\w-]+) -->", written(text, known, {}))) <= set(known)
