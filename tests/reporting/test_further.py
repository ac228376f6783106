"""Methods and runs that the paper does not have: further rows of its tables, and the table of other runs."""

import pytest

from deepfake_adv.reporting.further import other_runs
from deepfake_adv.reporting.measured import Evaluations
from deepfake_adv.reporting.write_tables import build_tables


@pytest.fixture
def build(project, paper):
    """Tables by id, for runs and roles."""

    def tables(runs, roles):
        folder = project / "reports/evaluation"
        made = build_tables(folder, None, paper, runs=runs, roles=roles, baseline="baseline", confidence=0.95)
        return {table.spec.id: table for table in made}

    return tables


OWN = {"small_baseline": ("baseline", "small"), "small_grad_bat": ("brightness", "small")}


def test_a_method_of_ones_own_has_a_row_in_each_table_that_compares_methods_with_the_baseline(build):
    tables = build(OWN, {"efficientnet": "small"})
    with_row = {id for id, table in tables.items() if any(row.further for row in table.spec.rows)}
    assert {"I", "II", "IV"} <= with_row
    assert not {"XV", "VII", "C"} & with_row  # kernel sizes, attacks, steps
    row = tables["I"].spec.rows[-1]
    assert (row.id, row.label) == ("brightness", "+ brightness")
    cell = tables["I"].cells["brightness", "DF", "auc"]
    assert cell.ours.low < cell.ours.value < cell.ours.high
    assert cell.paper is None
    assert cell.versus.value == pytest.approx(cell.ours.value - tables["I"].cells["baseline", "DF", "auc"].ours.value)
    assert "brightness" in tables["I"].versus
    assert "Beyond the paper's rows: brightness." in tables["I"].notes
    assert "other_runs" not in tables


def test_a_further_row_does_not_change_how_much_of_the_papers_table_is_filled(build, tables):
    wider = build(OWN, {"efficientnet": "small"})["I"]
    assert wider.fillable == tables["I"].fillable
    assert wider.measured == sum(1 for (row, *_), cell in wider.cells.items() if row == "baseline" and cell.ours)


def test_runs_in_no_table_of_the_papers_are_in_one_of_their_own_beside_their_baseline(build):
    table = build(OWN, {"efficientnet": "efficientnet"})["other_runs"]
    assert [row.label for row in table.spec.rows] == ["small", "+ brightness"] * 3
    assert table.title.startswith("Other runs. ")
    cell = table.cells["NT_c23/small/brightness", "corpus_DF_c23", "auc"]
    assert cell.versus.value == pytest.approx(
        cell.ours.value - table.cells["NT_c23/small/baseline", "corpus_DF_c23", "auc"].ours.value
    )
    assert len(table.versus) == 3


def test_one_idle_run_brings_its_baseline_along(project):
    found = Evaluations(project / "reports/evaluation", OWN, {})
    spec = other_runs(found, ["small_baseline"], "baseline")
    assert {row.entry for row in spec.rows} == {"baseline", "brightness"}
    assert other_runs(found, OWN, "baseline") is None
