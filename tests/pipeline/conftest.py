"""A copy of the project with a tiny corpus, reproduced once; each test edits it and puts it back."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
RUNS = ("compact_baseline", "compact_grad_bat", "compact_two_gen_bat")

TINY = {
    "execution.workers": 1,
    "corpus.pairs": {"train": 1, "val": 1, "test": 1},
    "corpus.frames": 8,
    "corpus.size": 160,
    "corpus.dfd_pairs": 0,
    "corpus.celebdf_pairs": 0,
    "extract.min_frames": 2,
    "locate.every": 3,
    "train.image_size": 32,
    "train.batch_size": 4,
    "train.epochs": 1,
    "train.steps_per_epoch": 2,
    "device.checkpoint_steps": 1,  # what a killed run is to go on from
    "evaluate.resamples": 20,
    "attack.images.count": 6,
    "attack.images.image_size": 32,
    "attack.images.batch_size": 2,
    "attack.training.steps": 2,
    "attack.training.batch_size": 4,
    "attack.kernel_sizes": [3],
    "attack.starts": [1],
    "robustness.runs": ["compact_baseline", "compact_grad_bat"],
    "robustness.frames": 2,
    "robustness.batch_size": 4,
    "examples.count": 1,
}
SMALL = {"frames": {"train": 6, "val": 4, "test": 4, "sampling": "even"}}


class Project:
    """The copy, and what DVC does in it."""

    def __init__(self, folder, set_params):
        self.folder = folder
        self._set_params = set_params
        self.params = folder / "params.yaml"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),  # the environment is another checkout's
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def call(self, *command, code=0):
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == code, f"{command}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def repro(self, *arguments):
        """Stages that `dvc repro` ran, those that it took from its cache not among them."""
        return set(re.findall(r"Running stage '([^']+)'", self.call("dvc", "repro", *arguments)))

    def set(self, changes):
        self._set_params(self.params, changes)


def make_project(folder, changes, set_params, *, without=()):
    """Copy the project, make its params tiny, reproduce and commit it."""
    for name in ("deepfake_adv", "pipeline", "outside", "profiles", "reports/paper"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".gitignore", ".dvcignore", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "profiles" / "demo.yaml", folder / "params.yaml")
    tiny = Project(folder, set_params)
    content = YAML().load((folder / "params.yaml").read_text())
    runs = {name: {**content["runs"][name], "conditions": ["NT_c23"]} for name in RUNS}
    classifiers = content["attack"]["classifiers"]
    entries = {name: {**entry, "image_size": 32} for name, entry in classifiers.items()}
    # the FaceForensics++-like part alone
    small_parts = {name: part for name, part in content["parts"].items() if part["dataset"] == "corpus"}
    changes = {"datasets": {"corpus": {**content["datasets"]["corpus"], **SMALL}}, "parts": small_parts, **changes}
    small = {key: value for key, value in TINY.items() if key not in without}
    tiny.set({**small, "runs": runs, "attack.classifiers": entries, **changes})
    for command in (
        ["git", "init", "-q"],
        ["git", "config", "user.email", "tests@example.org"],
        ["git", "config", "user.name", "tests"],
        ["dvc", "init", "-q"],
        ["dvc", "config", "cache.type", "hardlink,copy"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "Start"],
    ):
        tiny.call(*command)
    shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
    tiny.first = tiny.repro()
    tiny.call("git", "add", "-A")
    tiny.call("git", "commit", "-qm", "Reproduce")
    return tiny


@pytest.fixture(scope="session")
def project(tmp_path_factory, set_params):
    return make_project(tmp_path_factory.mktemp("project"), {}, set_params)


@pytest.fixture(scope="session")
def clips_project(tmp_path_factory, set_params):
    clips = ROOT.parent / "shared" / "clips" / "video"
    if not clips.is_dir():
        pytest.skip("real clips are not beside this checkout: ../shared/clips/video")
    folder = tmp_path_factory.mktemp("clips")
    changes = {
        "corpus.source": "clips",
        "corpus.folder": str(clips),
        "corpus.max_shorter_side": 240,
        "inventory.max_unreadable_share": 0.5,
        "extract.max_skipped_share": 0.5,
        "locate.max_failed_share": 0.5,
        "crop.max_failed_share": 0.5,
    }
    return make_project(folder, changes, set_params)


@pytest.fixture(scope="session")
def table_project(tmp_path_factory, set_params):
    """Every file beside the clips, text and pictures too, as a table of the user's; labels only so that it trains."""
    clips = ROOT.parent / "shared" / "clips"
    if not clips.is_dir():
        pytest.skip("real clips are not beside this checkout: ../shared/clips")
    folder = tmp_path_factory.mktemp("table")
    files = sorted(path for path in clips.rglob("*") if path.is_file())
    videos = [path for path in files if path.parent.name == "video"]
    splits = ("train", "train", "train", "train", "val", "val", "test", "test")
    lines = [f"{path},{i % 2},{splits[i % 8]}" for i, path in enumerate(videos)]
    lines += [f"{path},0,train" for path in files if path not in videos]
    table = folder / "mine.csv"
    table.write_text("\n".join(["path,label,split", *lines, ""]))
    dataset = {
        "layout": "csv", "root": str(clips), "forgeries": ["other"], "options": {"table": str(table)},
        "frames": SMALL["frames"],
    }  # fmt: skip
    run = {"detector": "compact", "tier": "all", "conditions": ["other_native"]}
    changes = {
        "corpus.source": "none",
        "train.sampling": "draws",  # pairs need each fake's target among the reals
        "datasets": {"mine": dataset},
        "parts": {"mine": {"dataset": "mine", "quality": "native"}},
        "tiers": ["all"],
        "runs": {f"compact_{method}": {"method": method, **run} for method in ("baseline", "two_gen_bat")},
        "examples.condition": "other_native",
        "robustness.condition": "other_native",
        "robustness.runs": ["compact_baseline"],
        "inventory.max_unreadable_share": 0.5,
        "extract.max_skipped_share": 0.5,
        "locate.max_failed_share": 0.5,
        "crop.max_failed_share": 0.5,
    }
    made = make_project(folder / "project", changes, set_params)
    made.table = [line.split(",")[0] for line in lines]
    return made


@pytest.fixture
def edited(project):
    """Call with changed params: gives the stages that ran; afterwards all is as before."""
    before = project.params.read_text()

    def change(changes):
        project.set(changes)
        return project.repro()

    yield change
    project.params.write_text(before)
    project.repro()
