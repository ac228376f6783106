"""Each stage after `shard`, carried out twice on the same inputs, leaves the same bytes at any time.

What stands before is compared in tests/extraction, tests/data and tests/corpus; all together, from nothing, in
test_builds.
"""

import importlib
import time
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
RUNS = {name: {"method": method, "detector": "compact", "tier": "all", "conditions": ["NT_c23"]}
        for name, method in (("compact_baseline", "baseline"), ("compact_two_gen_bat", "two_gen_bat"))}  # fmt: skip
CHANGES = {
    "train": {"image_size": 24, "batch_size": 4, "epochs": 2, "steps_per_epoch": 2},
    "evaluate": {"resamples": 20},
    "examples": {"count": 1, "kernel_sizes": [3]},
    "attack": {"kernel_sizes": [3], "starts": [1]},
    "robustness": {"runs": list(RUNS), "frames": 1, "crf": [30]},
}


@pytest.fixture(scope="module")
def project(make_shards_at, tmp_path_factory):
    root = tmp_path_factory.mktemp("twice")
    make_shards_at(root, tier="all", qualities=("c23",))
    params = YAML(typ="safe").load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    for section, changes in CHANGES.items():
        params[section] |= changes
    params["runs"] = RUNS
    params["device"] |= {"accelerator": "cpu", "dvclive": False}
    params["attack"]["images"] |= {"count": 4, "image_size": 24}
    params["attack"]["training"] |= {"steps": 1, "batch_size": 4}
    (name,) = [name for name in params["attack"]["classifiers"] if name == "inception_v3"]
    params["attack"]["classifiers"] = {name: {**params["attack"]["classifiers"][name], "image_size": 24}}
    params["attack"]["readings"] = {"relative": {"rule": "relative", "epsilon": 0.1}}
    with open(root / "params.yaml", "w", encoding="utf-8") as stream:
        YAML().dump(params, stream)
    for run in RUNS:
        for kind in ("runs", "tests"):
            path = root / f"data/inputs/{kind}/{run}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
    return root


def carry_out(out):
    """Every stage in turn, its outputs below `out`; each reads what the stages before it left there."""

    def stage(name, *arguments):
        importlib.import_module(f"pipeline.{name}").main(*arguments)

    manifests = Path("data/manifests/all")
    for run in RUNS:
        stage(
            "train", run, Path(f"data/inputs/runs/{run}.json"), manifests, out / "runs" / run, Path("times") / out.name
        )
        tests = Path(f"data/inputs/tests/{run}.json")
        stage("score", run, out / "runs" / run, manifests / "test.parquet", tests, out / f"scores/{run}.parquet")
        kinds = ("metrics/{}.json", "evaluation/{}.json", "roc/{}.csv", "confusion/{}.csv")
        written = [out / kind.format(run) for kind in kinds]
        stage("evaluate", run, out / f"scores/{run}.parquet", out / "runs" / run, *written)
        stage("studied", out / "runs" / run / "NT_c23/seed0", out / f"studied/{run}.json")
    stage("examples", out / "runs", manifests / "test.parquet", out / "examples")
    stage("attack", manifests, out / "attack/classifiers.json")
    stage("robustness", out / "runs", manifests / "test.parquet", out / "robustness")
    stage("tables", out / "evaluation", ROOT / "reports/paper", out / "tables", out / "attack")
    folders = ("tables", "evaluation", "roc", "examples", "robustness")
    beside = [Path("data") / name for name in ("inventory", "faces", "crops")]
    stage("report", *(out / name for name in folders), *beside, out / "report.html", out / "figures")


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(600)
def test_a_stage_carried_out_twice_leaves_the_same_bytes(project, monkeypatch):
    monkeypatch.chdir(project)
    carry_out(Path("first"))
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: 7 * clock() + 1000)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    carry_out(Path("second"))
    first, second = content(project / "first"), content(project / "second")
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
    stages = {name.partition("/")[0] for name in first}
    assert stages >= {
        "runs",
        "scores",
        "evaluation",
        "studied",
        "examples",
        "attack",
        "robustness",
        "tables",
        "figures",
    }
