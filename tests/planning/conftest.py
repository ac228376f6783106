"""Profiles as they are read, and rates of round numbers: what a plan does with them is tested, not what they are."""

from collections import defaultdict
from pathlib import Path

import pytest

from deepfake_adv.params.load import read_yaml, validate
from deepfake_adv.planning.calibration import Finding, pairs_of, torch_version
from deepfake_adv.planning.rates import Rates
from deepfake_adv.planning.studies import study_pairs

PROFILES = Path(__file__).parents[2] / "profiles"


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """Params of a profile, altered by dotted keys, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def read(name="paper", **changes):
        content = read_yaml(PROFILES / f"{name}.yaml")
        for key, value in changes.items():
            *above, last = key.split("__")
            section = content
            for part in above:
                section = section[part]
            section[last] = value
        return validate(content, entries=False)

    return read


@pytest.fixture
def rates():
    """Every rate is a thousandth; what starts, 100 MB."""
    values = defaultdict(lambda: 1e-3)
    values |= {"crop_share": 0.7, "looks.per_stride": 1.0, "dvc.stage.stages": 300}
    values |= {"worker_mb.megapixels": 1, "loader.worker_mb": 100.0}
    for stage in ("corpus", "inventory", "extract", "locate", "crop", "shard", "evaluate", "robustness"):
        values |= {f"start.{stage}.mb": 100.0, f"worker_mb.{stage}": 200.0}
    made = Rates({}, {})
    made._values = values
    return made


@pytest.fixture
def finding():
    """A calibration result of a pair, with a test's own values."""

    def make(pair, **said):
        facts = {"device": "cpu (test)", "kind": "cpu", "torch": torch_version(), "step": 1.0, "image": 0.01}
        facts |= {"build": 2.0, "warm": 1.0, "save": 0.5, "clip_length": 1, "weights_bytes": 10**6, "host_bytes": 10**9}
        return Finding(digest=pair.digest, **(facts | said))

    return make


@pytest.fixture
def all_found(finding):
    """A finding of every pair of a profile, and of its studies."""

    def found(params, **said):
        return [finding(pair, **said) for pair in {*pairs_of(params).values(), *study_pairs(params).values()}]

    return found
