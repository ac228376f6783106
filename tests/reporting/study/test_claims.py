"""Verdicts on results whose truth is known."""

import json
import re
from pathlib import Path

import pytest

from deepfake_adv.reporting.study.claims import compare, judge, load_protocol
from deepfake_adv.reporting.study.results import Results, TrainTest

DF = [TrainTest("NT_c23", "DF_c23", "FF++")]


def verdicts(results):
    return {verdict.claim.id: verdict for verdict in judge(results, load_protocol())}


def test_a_known_effect_is_supported(write, everything):
    found = verdicts(write(everything | {"two_gen_bat": 8.0, "combined_at": 16.0}))
    assert {found[name].decision for name in ("C1", "C2", "C3", "C4", "C5", "C6", "C7")} == {"supported"}
    (comparison,) = found["C1"].comparisons
    low, high = comparison.interval(0.95)
    assert low < 8 < high
    assert (comparison.groups, len(comparison.by_seed)) == (80, 10)


def test_no_effect_measured_roughly_is_undecided(write, everything):
    found = verdicts(write(everything, seed_sd=6.0))
    assert {verdict.decision for verdict in found.values()} == {"undecided"}
    assert found["C1"].note == ""


def test_a_negative_effect_is_refuted(write, everything):
    found = verdicts(write(everything | {"two_gen_bat": -8.0, "combined_at": -20.0}))
    assert {verdict.decision for verdict in found.values()} == {"refuted"}


def test_no_effect_measured_well_excludes_a_gain_that_matters(write, everything):
    found = verdicts(write(everything, seed_sd=0.2, noise=1.0))
    assert found["C1"].decision == "refuted"
    assert found["C6"].decision == "supported"  # at home, no loss of a point


def test_a_small_effect_measured_well_is_supported_and_said_to_be_small(write, everything):
    found = verdicts(write(everything | {"two_gen_bat": 1.0}, seed_sd=0.1, noise=0.5))
    assert (found["C1"].decision, found["C1"].note) == ("supported", "but below 2 points")


def test_better_than_all_but_one_is_not_better_than_each(write, everything):
    found = verdicts(write(everything | {"two_gen_bat": 8.0, "fixed_blur": 16.0}))
    assert found["C1"].decision == "supported"
    assert found["C7"].decision == "refuted"


def test_fewer_seeds_than_planned_or_a_run_that_is_missing_decide_nothing(write, everything):
    found = verdicts(write(everything | {"two_gen_bat": 8.0}, seeds=9))
    assert (found["C1"].decision, found["C1"].note) == ("undecided", "9 of 10 seeds")
    assert found["C1"].comparisons[0].effect is not None
    found = verdicts(write({"two_gen_bat": 8.0, "baseline": 0.0}, skip={("baseline", "NT_raw")}))
    assert found["C1"].decision == "supported"
    assert (found["C2"].decision, found["C2"].note) == ("undecided", "not run")
    assert (found["C7"].decision, found["C7"].note) == ("undecided", "not run")


def test_p_values_are_adjusted_over_the_family(write, everything):
    """Seven claims: the smallest p-value times seven; what was not run counts as a p-value of one."""
    results = write({"two_gen_bat": 3.0, "baseline": 0.0}, skip={("baseline", "NT_raw")})
    protocol = load_protocol()
    single = {
        claim.id: compare(results, claim.ours, claim.others[0], protocol.cells[claim.cells]).effect.above(claim.exceeds)
        for claim in protocol.claims
        if claim.id in ("C1", "C6")
    }
    found = verdicts(results)
    first, second = sorted(single, key=single.get)
    assert found[first].supports == pytest.approx(7 * single[first])
    assert found[second].supports == pytest.approx(max(6 * single[second], 7 * single[first]))


def test_one_seed_has_a_difference_and_no_error(write, everything):
    comparison = compare(write(everything, seeds=1), "two_gen_bat", "baseline", DF)
    assert comparison.effect is None
    assert comparison.interval(0.95) is None
    assert list(comparison.by_seed) == [0]


def test_two_runs_of_one_cell_and_cells_of_other_people_are_errors(write, everything, tmp_path):
    results = write({"baseline": 0.0})
    (path,) = (tmp_path / "results").glob("*.json")
    (tmp_path / "results/again.json").write_text(path.read_text())
    runs = dict.fromkeys((path.stem, "again"), ("baseline", "lite0"))
    with pytest.raises(ValueError, match="baseline must be measured once"):
        Results(tmp_path / "results", runs, detector="lite0", roles={})
    content = json.loads(path.read_text())
    content["results"][0]["groups"][0] = "stranger"
    path.write_text(json.dumps(content))
    results = Results(tmp_path / "results", {path.stem: ("baseline", "lite0")}, detector="lite0", roles={})
    cells = [TrainTest(entry["train"], entry["test"], entry["dataset"]) for entry in content["results"][:2]]
    with pytest.raises(ValueError, match="same identities"):
        results.mean("baseline", cells)


def test_the_protocol_on_paper_is_the_one_that_is_run():
    """docs/evidence.md lists each claim with its margin, and how many seeds they have."""
    protocol, page = load_protocol(), (Path(__file__).parents[3] / "docs/evidence.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (C\d) \|(.*)\|$", page.partition("## Test")[0], re.MULTILINE))
    assert list(rows) == [claim.id for claim in protocol.claims]
    for claim in protocol.claims:
        cells = [cell.strip() for cell in rows[claim.id].split("|")]
        assert all(name in cells[1] for name in (claim.ours, *claim.others))
        assert float(cells[-1].replace("−", "-")) == claim.margin
    assert "ten seeds" in page
    assert protocol.seeds == 10
