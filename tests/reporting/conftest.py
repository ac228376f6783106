"""A small evaluated project: fabricated scores of a few runs, evaluated, tabulated and reported."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepfake_adv.evaluation import outputs
from deepfake_adv.evaluation.run import Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, to_scores
from deepfake_adv.evaluation.support import ValidationVideos, support_of
from deepfake_adv.files import write_json

ROOT = Path(__file__).parents[2]
RUNS = {"small_baseline": ("baseline", "small"), "small_grad_bat": ("grad_bat", "small")}
GAIN = {"small_baseline": 0.0, "small_grad_bat": 0.6}


def _scores(run, seeds):
    names = ("train_condition", "seed", "dataset", "quality", "forgery", "label", "video", "score")
    shift = {"real": 0.0, "NT": 3.0, "DF": 1.0, "F2F": 0.8, "FS": 0.3}
    rng = np.random.default_rng(0)
    rows = []
    for train in ("NT_raw", "NT_c23", "NT_c40"):
        for seed in seeds:
            for quality, strength in (("raw", 1.0), ("c23", 0.8), ("c40", 0.4)):
                for forgery, move in shift.items():
                    for video in range(6):
                        mean = rng.normal((move + (GAIN[run] if move else 0)) * strength - 1, 0.6)
                        for score in 1 / (1 + np.exp(-rng.normal(mean, 0.8, 6))):
                            label = int(forgery != "real")
                            name = f"{forgery}/{video:03d}"
                            rows.append((train, seed, "corpus", quality, forgery, label, name, float(score)))
        for video in range(3):  # a set of reals alone beside the others
            rows.append((train, 0, "wild", "native", "real", 0, f"real/{video}", 0.2 + 0.2 * video))
    return to_scores(pa.table({name: [row[k] for row in rows] for k, name in enumerate(names)}))


def _support(seed):
    """Of validation videos as far apart as NT's at raw."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], 30)
    scores = 1 / (1 + np.exp(-rng.normal(3 * labels - 1, 0.6)))
    people = tuple(map(str, range(60)))
    return support_of(ValidationVideos(scores, labels, people, 6, people), 0.1, 0.95)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("project")
    settings = Settings(200, 0.95, 0)
    for run in RUNS:
        seeds = (0, 1) if run == "small_grad_bat" else (0,)
        supports = {(f"NT_{tier}", seed): _support(seed) for tier in ("raw", "c23", "c40") for seed in seeds}
        measured = list(evaluate(all_test_sets(_scores(run, seeds)), settings, supports))
        record = {"device": "cpu (test)", "versions": {"torch": "2.0"}}
        record |= {"best": {"epoch": 2}, "data": {"train": "abc"}, "steps": 40, "seed": 0}
        record |= {"params": {"detector": {"name": "small", "weights": None}}}
        record |= {"log": {"epoch": [1, 2], "lr": [0.1, 0.01], "loss": [0.7, 0.5], "val_auc": [None, 0.8]}}
        origin = {"training": {"NT_c23/seed0": record}, "settings": settings._asdict()}
        outputs.write_evaluation(root / f"reports/evaluation/{run}.json", run, measured, origin)
        outputs.write_roc(root / f"reports/roc/{run}.csv", measured)
    models = ("inception_v3", "inception_v4", "inception_resnet_v2")
    cells = [
        {"attack": attack, "steps": steps, "source": a, "victim": b, "accuracy": 0.25 if a == b else 0.75, "images": 80}
        | ({"kernel_size": 5, "sigma": 1.0, "rule": "relative", "epsilon": 0.1} if attack == "blur" else {})
        | {"low": 0.2, "high": 0.8, "extra": False}
        for attack, steps in (("fgsm", 1), ("blur", 1), ("pgd", 3), ("blur", 3))
        for a in models
        for b in models
    ]
    cells.append({**cells[0], "accuracy": 0.0, "extra": True})
    write_json(root / "reports/attack/classifiers.json", {"cells": cells, "provenance": {"source": "identities"}})
    return root


@pytest.fixture(scope="session")
def runs():
    return RUNS


@pytest.fixture(scope="session")
def paper():
    return ROOT / "reports/paper"


@pytest.fixture(scope="session")
def tables(project, paper):
    from deepfake_adv.reporting.measured import own_corpora
    from deepfake_adv.reporting.write_tables import build_tables

    built = build_tables(
        project / "reports/evaluation",
        project / "reports/attack",
        paper,
        runs=RUNS,
        roles={"efficientnet": "small"},
        baseline="baseline",
        confidence=0.95,
        own_corpus=own_corpora("procedural", {"corpus": "data/corpus"}),
    )
    return {table.spec.id: table for table in built}


@pytest.fixture
def evaluation(project):
    return lambda run: json.loads((project / f"reports/evaluation/{run}.json").read_text())
