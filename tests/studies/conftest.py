"""A project that the studies can run in: fabricated crops, untrained detectors where runs leave theirs, tiny params."""

import shutil
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import sha256, write_json
from deepfake_adv.methods.registry import build_method
from deepfake_adv.training.checkpoint import save_weights
from deepfake_adv.training.trained import detector_arguments

ROOT = Path(__file__).parents[2]
SIDE = 32
CONDITION = "NT_c23"
RUNS = {"compact_baseline": "baseline", "compact_grad_bat": "grad_bat", "compact_two_gen_bat": "two_gen_bat"}
TINY = {
    "execution.workers": 2,
    "train.image_size": SIDE,
    "robustness.runs": ["compact_baseline", "compact_grad_bat"],
    "robustness.frames": 5,
    "robustness.batch_size": 4,
    "examples.count": 2,
    "examples.kernel_sizes": [3, 5],
    "attack.images.count": 10,
    "attack.images.image_size": SIDE,
    "attack.images.batch_size": 2,
    "attack.training.steps": 4,
    "attack.training.batch_size": 4,
    "attack.kernel_sizes": [3],
    "attack.starts": [1],
}


def leave_run(folder, content, run, *, side=SIDE, seed=0):
    """What `train` leaves of a run, with weights as they are born."""
    entry = {**content["detectors"]["compact"]}
    entry.pop("image_size")
    method = dict(content["methods"][RUNS[run]])
    torch.manual_seed(list(RUNS).index(run) + seed)
    target = folder / run / CONDITION / f"seed{seed}"
    detector = build_detector(**detector_arguments(entry, side))
    save_weights(target / "detector.safetensors", detector)
    adversary = build_method(**method).adversary
    if adversary is not None:
        save_weights(target / "generator.safetensors", adversary)
    record = {"condition": CONDITION, "seed": seed, "image_size": side, "params": {"detector": entry, "method": method}}
    record["files"] = {path.name: sha256(path) for path in target.glob("*.safetensors")}
    write_json(target / "run.json", record)


def make_study_project(folder, write_shards, set_params):
    """Write the project into `folder` and give it."""
    shutil.copy(ROOT / "profiles" / "demo.yaml", folder / "params.yaml")
    content = YAML(typ="safe").load((folder / "params.yaml").read_text())
    runs = {name: {**content["runs"][name], "conditions": [CONDITION]} for name in RUNS}
    classifiers = {name: {**entry, "image_size": SIDE} for name, entry in content["attack"]["classifiers"].items()}
    set_params(folder / "params.yaml", {**TINY, "runs": runs, "attack.classifiers": classifiers})
    write_shards(
        folder, tier="all", qualities=("raw", "c23"), frames=10, side=41, videos={"train": 4, "val": 2, "test": 3}
    )
    for run in RUNS:
        leave_run(folder / "data" / "runs", content, run)
    return folder


@pytest.fixture
def study_project(tmp_path, make_shards, set_params):
    """A project of the studies' own, to be changed at will."""
    return make_study_project(tmp_path, make_shards, set_params)
