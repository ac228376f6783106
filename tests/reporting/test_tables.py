from dataclasses import replace

import numpy as np
import pytest

from deepfake_adv.evaluation import replicates
from deepfake_adv.files import write_json
from deepfake_adv.reporting.measured import Attacks, Evaluations, Measurement, measurement, own_corpora
from deepfake_adv.reporting.specs import load_specs
from deepfake_adv.reporting.tables import build_table, compare, mean, read_paper


def value(evaluation, run, train, test):
    entries = evaluation(run)["results"]
    entry = next(e for e in entries if (e["train"], e["test"]) == (train, test))
    return 100 * entry["frame"]["auc"]["value"]


@pytest.fixture
def on_real_data(project, paper, runs):
    """Table I as if the videos were not this project's own."""
    spec = load_specs()[0]
    found = Evaluations(project / "reports/evaluation", runs, {"efficientnet": "small"})
    return build_table(spec, found, Attacks(None, {}), read_paper(paper, spec), baseline="baseline", confidence=0.95)


def test_cells_hold_ours_the_papers_and_their_difference(on_real_data, evaluation):
    cell = on_real_data.cells["grad_bat", "DF", "auc"]
    assert cell.state == "measured"
    assert cell.ours.value == pytest.approx(value(evaluation, "small_grad_bat", "NT_c23", "DF_c23"))
    assert cell.paper == 87.09
    assert cell.difference == pytest.approx(cell.ours.value - 87.09)
    assert cell.ours.low < cell.ours.value < cell.ours.high
    assert cell.ours.counts == "36+36 frames of 6+6 videos"


def test_numbers_from_a_corpus_of_our_own_are_not_subtracted_from_the_papers(tables):
    cells = [cell for table in tables.values() for cell in table.cells.values() if cell.ours and cell.paper is not None]
    assert len(cells) > 30
    assert {cell.difference for cell in cells} == {None}


def test_what_was_not_run_says_so_and_what_the_paper_lacks_is_a_dash(tables):
    assert tables["I"].cells["gen_bat", "DF", "auc"].state == "not run"
    assert tables["I"].cells["baseline", "DFD", "auc"].state == "not run"
    dash = tables["I"].cells["baseline", "DFD", "acc"]
    assert (dash.state, dash.paper) == ("none", None)
    assert tables["VIII"].measured == 0


def test_average_is_over_the_columns_measured_and_then_not_set_against_the_papers(tables):
    table = tables["I"]
    parts = [table.cells["baseline", name, "auc"].ours.value for name in ("NT", "DF", "F2F", "FS")]
    average = table.cells["baseline", "Avg", "auc"]
    assert average.ours.value == pytest.approx(np.mean(parts))
    assert average.partial
    assert average.difference is None
    assert average.ours.low < average.ours.value < average.ours.high
    assert any("Avg is over" in note for note in table.notes)


def test_best_of_a_column_is_marked_where_its_interval_allows_it(tables):
    marked = 0
    for table in (tables["I"], tables["II"]):
        for column, metric in table.spec.heads():
            cells = [table.cells[row.id, column.id, metric] for row in table.spec.rows]
            best = [cell for cell in cells if cell.best]
            others = [cell for cell in cells if cell.ours and not cell.best]
            marked += len(best)
            assert len(best) <= 1
            if metric == "auc" and not column.average and len(others) == 1 and best:  # against the baseline alone
                versus = next(cell.versus for cell in (*best, *others) if cell.versus)
                assert not versus.low <= 0 <= versus.high
            assert all(cell.ours.value <= each.ours.value for each in best for cell in others)
    assert marked


def test_a_difference_within_its_interval_marks_nothing(on_real_data):
    unsure = 0
    for column, metric in on_real_data.spec.heads():
        versus = on_real_data.cells["grad_bat", column.id, metric].versus
        if versus and versus.low <= 0 <= versus.high:
            unsure += 1
            assert not any(on_real_data.cells[row.id, column.id, metric].best for row in on_real_data.spec.rows)
    assert unsure


@pytest.mark.parametrize(("metric", "best"), [("auc", "grad_bat"), ("eer", "baseline")])
def test_the_highest_area_and_the_lowest_error_are_the_best_where_intervals_do_not_meet(metric, best):
    class Fixed:
        """Two rows; their intervals are apart in the first column and overlap in the others."""

        def find(self, row, column, metric):
            if row.id not in ("baseline", "grad_bat"):
                return None
            value, width = (60.0 if row.id == "baseline" else 70.0), (3 if column.id == spec.columns[0].id else 9)
            return Measurement(value, value - width, value + width, row.id)

        def detector(self, role):
            return role

    spec = replace(next(spec for spec in load_specs() if spec.id == "II"), metrics=(metric,))
    table = build_table(spec, Fixed(), Attacks(None, {}), {}, baseline="baseline", confidence=0.95)
    marked = [key for key, cell in table.cells.items() if cell.best]
    assert marked == [(best, spec.columns[0].id, metric)]


def test_comparison_with_the_baseline_is_paired(tables, evaluation):
    versus = tables["II"].versus
    assert list(versus) == ["grad_bat"]
    found = versus["grad_bat"]
    own = [
        table_cell.ours.value
        for key, table_cell in tables["II"].cells.items()
        if key[0] == "grad_bat" and key[2] == "auc"
    ]
    base = [
        table_cell.ours.value
        for key, table_cell in tables["II"].cells.items()
        if key[0] == "baseline" and key[2] == "auc"
    ]
    assert found.value == pytest.approx(np.mean(own) - np.mean(base))
    assert found.low < found.value < found.high
    assert tables["II"].cells["baseline", "raw>raw", "auc"].versus is None


def test_titles_and_notes_own_up(tables):
    assert tables["I"].title.endswith("OUR NUMBERS ARE FROM A SYNTHETIC CORPUS OF RENDERED FACES")
    assert "SYNTHETIC" not in tables["VIII"].title
    notes = " ".join(tables["I"].notes)
    for part in (
        "small stands in",
        "36+36 frames",
        "Training seeds by cell: 0 / 0+1",
        "small_baseline, small_grad_bat",
    ):
        assert part in notes
    assert tables["VIII"].notes == ["No run of this profile fills this table."]


def test_attack_cells_are_found_by_their_settings(tables):
    table = tables["VII"]
    assert table.measured == 18
    assert table.cells["inception_v3", "inception_v3", "fgsm"].ours.value == 25  # not the extra cell
    assert tables["XIV"].measured == 18
    assert tables["XII"].measured == 9  # kernel size 5 alone
    assert tables["XII"].cells["3/inception_v3", "inception_v3", "blur"].state == "not run"
    assert "SYNTHETIC" in table.title
    assert any("Small classifiers" in note for note in table.notes)
    reading = "Blur: rule relative, ε = 0.1; other readings of Eq. (6) are in reports/attack."
    assert reading in table.notes
    assert reading not in tables["I"].notes


def test_two_claims_on_a_cell_are_an_error(project, tmp_path, evaluation):
    column, row = load_specs()[0].columns[0], load_specs()[0].rows[0]
    twice = evaluation("small_baseline")
    twice["results"] += [{**entry, "dataset": "other"} for entry in twice["results"]]
    write_json(tmp_path / "a.json", twice)
    roles = {"efficientnet": "small"}
    with pytest.raises(ValueError, match=r"tables\.roles"):
        Evaluations(tmp_path, {"a": ("baseline", "small")}, roles).find(row, column, "auc")
    chosen = Evaluations(tmp_path, {"a": ("baseline", "small")}, {**roles, "FF++": "other"})
    assert chosen.find(row, column, "auc").dataset == "other"
    cell = {"attack": "fgsm", "steps": 1, "source": "inception_v3", "victim": "inception_v3", "accuracy": 0.5}
    write_json(tmp_path / "attack/a.json", {"cells": [cell, cell]})
    seven = load_specs()[6]
    with pytest.raises(ValueError, match="Mark one as extra"):
        Attacks(tmp_path / "attack", {}).find(seven.rows[0], seven.columns[0], "fgsm")


def test_files_of_removed_runs_are_left_alone(project):
    assert list(Evaluations(project / "reports/evaluation", {"small_baseline": ("baseline", "small")}, {}).runs) == [
        "small_baseline"
    ]


def test_only_the_same_videos_are_compared():
    drawn = np.linspace(40, 60, 11)
    one = Measurement(50, 45, 55, "a", replicates=drawn, sample="x")
    assert compare(one, Measurement(48, 45, 55, "b", replicates=drawn - 2, sample="x"), 0.95).value == 2
    assert compare(one, Measurement(48, 45, 55, "b", replicates=drawn, sample="y"), 0.95) is None
    assert compare(one, Measurement(48, 45, 55, "b", sample="x"), 0.95) is None
    assert mean([one, Measurement(40, None, None, "b")], 0.95).low is None


def test_an_average_of_paired_draws_keeps_their_covariance():
    rng = np.random.default_rng(0)
    drawn = 50 + rng.normal(0, 1, 4000)
    one = Measurement(50, 0, 0, "a", replicates=drawn)
    opposite = mean([one, Measurement(50, 0, 0, "a", replicates=100 - drawn)], 0.95)
    assert opposite.high - opposite.low == pytest.approx(0, abs=1e-9)
    wide, narrow = (mean([one, one], confidence) for confidence in (0.95, 0.5))
    assert wide.high - wide.low == pytest.approx(2 * 1.96, rel=0.05)
    assert narrow.high - narrow.low == pytest.approx(2 * 0.6745, rel=0.05)


def test_packed_replicates_reach_the_table(tables, evaluation):
    entry = next(e for e in evaluation("small_baseline")["results"] if (e["train"], e["test"]) == ("NT_c23", "DF_c23"))
    ours = tables["I"].cells["baseline", "DF", "auc"].ours
    assert ours.replicates == pytest.approx(100 * replicates.unpack(entry["replicates"]["auc"]))


def test_what_was_drawn_reaches_the_table_and_widens_few_units(evaluation):
    entry = next(e for e in evaluation("small_baseline")["results"] if (e["train"], e["test"]) == ("NT_c23", "DF_c23"))
    assert entry["drawn"] == {"kind": "videos", "count": 12}
    pairs = measurement("run", entry | {"drawn": {"kind": "identity pairs", "count": 6}}, "auc")
    assert (pairs.counts, pairs.units) == ("36+36 frames of 6+6 videos (6 identity pairs)", 6)
    earlier = measurement("run", {key: value for key, value in entry.items() if key != "drawn"}, "auc")
    assert (earlier.counts, earlier.units) == ("36+36 frames of 6+6 videos", None)
    few, many = (mean([each, each], 0.9) for each in (pairs, earlier))
    assert few.high - few.low > many.high - many.low
    other = replace(pairs, run="other", replicates=pairs.replicates[::-1])
    assert compare(pairs, other, 0.9).low < compare(replace(pairs, units=None), other, 0.9).low


def test_own_corpora():
    roots = {"corpus": "data/corpus", "celebdf": "data/corpus/Celeb-DF-v2/", "ffpp": "/datasets/ff"}
    assert set(own_corpora("procedural", roots)) == {"corpus", "celebdf", "identities"}
    assert "clips" in own_corpora("clips", roots)["corpus"]
    assert own_corpora("none", roots) == {}
    assert own_corpora("procedural", {"ffpp": "/datasets/ff"}) == {}
