"""Fabricated results of a study."""

import json

import numpy as np
import pytest

from deepfake_adv.reporting.study.claims import load_protocol
from deepfake_adv.reporting.study.results import Results

ROLES = {"FF++": "corpus", "DFD": "dfd", "Celeb-DF": "celebdf"}


@pytest.fixture
def write(tmp_path):
    """Write results of methods: the effect of each over the baseline, points of AUC, in every cell of the protocol."""

    def go(effects, *, seeds=10, pairs=80, seed_sd=1.0, noise=3.0, skip=()):
        protocol = load_protocol()
        cells = sorted({cell for group in protocol.cells.values() for cell in group}, key=str)
        folder = tmp_path / "results"
        folder.mkdir(exist_ok=True)
        runs = {}
        for number, (method, gain) in enumerate(effects.items()):
            results = []
            of_seed = np.random.default_rng([7, number]).normal(0, seed_sd, (seeds, 1))
            for cell in cells:
                rng = np.random.default_rng([number, *map(ord, cell.train + cell.test)])
                common = np.random.default_rng([99, *map(ord, cell.test)]).normal(0, 10, pairs)
                of_cell = gain.get(cell.test, 0.0) if isinstance(gain, dict) else gain
                scores = 70 + of_cell + of_seed + common + rng.normal(0, noise, (seeds, pairs))
                left = (scores.sum(axis=1, keepdims=True) - scores) / (pairs - 1)
                if (method, cell.train) not in skip:
                    results.append(
                        {"train": cell.train, "dataset": ROLES[cell.dataset], "test": cell.test,
                         "seeds": list(range(seeds)), "groups": [f"{k:03d}" for k in range(pairs)],
                         "auc": (scores.mean(axis=1) / 100).tolist(), "left_out": (left / 100).tolist()}
                    )  # fmt: skip
            run = f"lite0_{method}"
            runs[run] = (method, "lite0")
            (folder / f"{run}.json").write_text(json.dumps({"run": run, "results": results}))
        return Results(folder, runs, detector="lite0", roles=ROLES)

    return go


@pytest.fixture
def everything():
    """Every method of the claims, with no effect."""
    claims = load_protocol().claims
    return {name: 0.0 for claim in claims for name in (claim.ours, *claim.others)}
