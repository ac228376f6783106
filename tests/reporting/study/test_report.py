"""The study's page and files, from fabricated results."""

import csv
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deepfake_adv.params.load import validate
from deepfake_adv.reporting.study import report as study
from deepfake_adv.reporting.study.claims import load_protocol
from deepfake_adv.reporting.study.report import write_study

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def content():
    return YAML(typ="safe").load((ROOT / "profiles/study.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def report(content, write, tmp_path):
    """Write the report of some methods' effects; gives the folder and the page."""

    def go(effects, **options):
        if effects:
            write(effects, **options)
        runs = {
            f"lite0_{name}": {"method": name, "detector": "lite0", "tier": "c23", "conditions": ["NT_c23"]}
            for name in (*effects, "baseline_1200", "gaussian_blur")
        }
        runs["lite0_baseline_1200"]["train"] = {"epochs": 12}
        write_study(_params(content, runs), tmp_path, ROOT / "reports/paper")
        return tmp_path, (tmp_path / "README.md").read_text(encoding="utf-8")

    return go


def _params(content, runs):
    named = dict.fromkeys(("run", "generator_run"), next(iter(runs)))
    changed = {
        "runs": runs,
        "examples": {**content["examples"], **named},
        "robustness": {**content["robustness"], "runs": [next(iter(runs))]},
    }
    return validate({**content, **changed}, entries=False, studies=False)


EFFECTS = {"baseline": 0.0, "two_gen_bat": {"DF_c23": 9.0, "F2F_c23": 9.0, "FS_c23": 9.0, "NT_c40": -9.0}}


def test_the_page_has_the_answer_and_says_what_is_missing(report):
    folder, page = report(EFFECTS)
    claim = next(line for line in page.splitlines() if line.startswith("| C1"))
    assert "**supported**" in claim
    assert claim.split()[-5:] == ["|", "10", "|", "80", "|"]
    assert "not run" in next(line for line in page.splitlines() if line.startswith("| C7"))
    assert "2 of 4 runs are here. Missing: lite0_baseline_1200, lite0_gaussian_blur." in page
    assert "- c40: −" in page.partition("## Where the game fails")[2].partition("##")[0]
    for name in ("effects", "steps"):
        assert {(folder / f"figures/{name}.{kind}").exists() for kind in ("png", "svg", "csv")} == {True}
    with open(folder / "differences.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    first = next(row for row in rows if row["claim"] == "C1")
    assert float(first["low"]) < float(first["difference"]) < float(first["high"])
    assert len(first["by seed"].split()) == int(first["seeds"]) == 10


def test_the_same_results_make_the_same_files_and_old_ones_go(report):
    folder, _ = report(EFFECTS)
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "figures/old.png").write_bytes(b"")
    report(EFFECTS)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


def test_tables_print_the_network_that_was_trained(report, monkeypatch):
    given = {}
    monkeypatch.setattr(study, "build_tables", lambda *folders, **options: given.update(options) or [])
    report(EFFECTS)
    assert given["names"]["EfficientNet"] == "tf_efficientnet_lite0 in EfficientNet's place"


def test_a_study_that_has_not_begun_has_a_page(report):
    folder, page = report({})
    assert page.count("not run") >= 7
    assert "0 of 2 runs are here" in page
    assert not (folder / "figures").exists()


def test_the_profile_has_the_runs_of_every_claim(content):
    """The runs of every claim are in the profile, with as many seeds as it asks for."""
    protocol = load_protocol()
    assert len(content["train"]["seeds"]) == protocol.seeds
    for claim in protocol.claims:
        for method in (claim.ours, *claim.others):
            for train in {cell.train for cell in protocol.cells[claim.cells]}:
                found = [
                    run for run in content["runs"].values() if (run["method"], run["conditions"]) == (method, [train])
                ]
                assert len(found) == 1
                assert "train" not in found[0]
                wanted = {cell.test for cell in protocol.cells[claim.cells] if cell.train == train}
                assert wanted <= set(found[0]["test"]["conditions"])
