from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from deepfake_adv.params.training import Run, Tests
from deepfake_adv.reporting.plan import plan, plan_lines, unscored

PROFILES = Path(__file__).parents[2] / "profiles"


def read(name):
    """The sections that a plan looks at."""
    content = YAML(typ="safe").load((PROFILES / f"{name}.yaml").read_text())
    entries = {
        key: {name: SimpleNamespace(**value) for name, value in content[key].items()} for key in ("parts", "datasets")
    }
    entries["runs"] = {name: Run(**value) for name, value in content["runs"].items()}
    sections = {key: SimpleNamespace(**content[key]) for key in ("attack", "tables", "train")}
    return SimpleNamespace(profile=content["profile"], **entries, **sections)


def test_the_paper_profile_covers_every_table():
    found = plan(read("paper"))
    assert all(table.whole for table in found.tables)
    lines = plan_lines(found)
    assert "16 of 16 tables covered." in lines
    assert "2 of 2 in-text results covered." in lines
    assert not any("missing" in line for line in lines)
    assert all("sladd" in name or name.endswith("FF_c23_baseline") for name in found.idle)


def test_a_profile_beside_the_papers_tables_is_told_so_in_one_line():
    params = read("paper")
    params.attack.classifiers = {}
    params.runs = {"mine": Run(method="own", detector="own", conditions=["NT_c23"], tier="all")}
    assert plan_lines(plan(params))[2:] == [
        "No run fills a cell of the paper's tables; all are in the table “Other runs”: mine."
    ]
    params.runs = {}
    assert plan_lines(plan(params))[2:] == ["No run fills a cell of the paper's tables."]


def test_a_removed_run_is_missed_by_name():
    params = read("paper")
    del params.runs["efficientnet_NT_raw_grad_sat"]
    table = next(table for table in plan(params).tables if table.spec.id == "II")
    assert table.filled == table.cells - 6
    assert table.missing == ("no run trains efficientnet with grad_sat on NT_raw (6 cells)",)


def test_a_test_condition_that_a_run_is_not_scored_on_is_missed_by_its_key():
    params = read("paper")
    name = "efficientnet_NT_c23_grad_sat"
    assert not unscored(plan(params))
    shorter = Tests(conditions=["NT_c23", "DF_c23", "F2F_c23", "FS_c23", "DFD_c23", "NT_raw", "NT_c40"])
    params.runs[name] = params.runs[name].model_copy(update={"test": shorter})
    reason = f"runs.{name}.test.conditions lacks CelebDF_native (2 cells)"
    assert plan(params).tables[0].missing == (reason,)
    assert unscored(plan(params)) == [f"Table I: {reason}"]


def test_a_runs_own_seeds_count():
    params = read("paper")
    name = "efficientnet_NT_c23_grad_sat"
    params.runs[name] = params.runs[name].model_copy(update={"train": {"seeds": [0, 1, 2]}})
    assert plan(params).runs[name] == 3


def test_a_removed_dataset_is_missed_by_its_test_set():
    params = read("paper")
    del params.parts["dfd_c23"]
    table = plan(params).tables[0]
    assert table.missing == ("no part of `parts` gives the test set DFD_c23 (7 cells)",)
    assert table.cells - table.filled == 7  # Avg is then over the others


@pytest.mark.parametrize(
    ("key", "value", "table", "message"),
    [
        ("kernel_sizes", [3, 5, 7], "XII", "kernel size 9"),
        ("starts", [0.1, 1, 10], "XIII", "sigma 100"),
        ("pgd_steps", 5, "XIV", "not 3"),
        ("classifiers", {"inception_v3": {}}, "VII", "lacks inception_resnet_v2"),
    ],
)
def test_attacks_left_out_are_missed(key, value, table, message):
    params = read("paper")
    setattr(params.attack, key, value)
    found = next(each for each in plan(params).tables if each.spec.id == table)
    assert not found.whole
    assert any(message in reason for reason in found.missing)


def test_the_demo_covers_every_table_too():
    found = plan(read("demo"))
    assert sum(table.cells for table in found.tables) == 1206
    assert all(table.whole for table in found.tables)
    assert any(line.strip() == "compact_baseline" for line in plan_lines(found, runs=True))


def test_a_profile_names_its_gaps():
    params = read("demo")
    params.runs = {name: run for name, run in params.runs.items() if name.startswith("compact")}
    lines = plan_lines(plan(params))
    assert any("no run trains xception with baseline on NT_c23" in line for line in lines)
    assert any("of 16 tables covered; partly" in line for line in lines)
