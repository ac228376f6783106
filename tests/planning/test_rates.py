"""The committed table: no number in it that a result file does not give."""

import json
import math
from dataclasses import asdict

import pytest

from benchmarks.common import RESULTS
from benchmarks.rates import SOURCES, table
from deepfake_adv.planning.rates import TABLE, read_rates


def test_the_table_is_what_the_results_give():
    results = {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in SOURCES}
    committed = json.loads(TABLE.read_text())
    commits = {name: source["commit"] for name, source in committed["sources"].items()}
    assert table(results, commits) == committed, "run `python -m benchmarks.rates`"


def test_every_rate_is_a_number_that_can_be():
    values = json.loads(TABLE.read_text())["values"]
    assert len(values) > 50
    assert all(math.isfinite(value) and value >= 0 for value in values.values())


def test_sources_have_file_date_and_commit():
    for source in read_rates().sources.values():
        assert (RESULTS / source.file).is_file()
        assert all(asdict(source).values())


@pytest.mark.parametrize("text", ["[]", '{"values": {}}', "no json"])
def test_a_damaged_table_is_one_sentence(tmp_path, text):
    path = tmp_path / "rates.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"rates\.json"):
        read_rates(path)
