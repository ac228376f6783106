"""What dvc.lock records is the same for every build of a commit, and holds nothing of runs that were removed."""

import shutil

import pytest
import timm
import torch
from safetensors.torch import save_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

TINY_MODEL = "test_resnet"


@pytest.fixture
def clone(project, set_params, tmp_path):
    """The project's commit at another place, with nothing in its cache."""
    folder = tmp_path / "another place"
    project.call("git", "clone", "-q", str(project.folder), str(folder))
    made = type(project)(folder, set_params)
    made.call("dvc", "config", "--local", "cache.type", "copy")
    return made


def test_a_build_from_nothing_leaves_git_status_clean(project, clone):
    assert clone.repro() == project.first
    assert clone.call("git", "status", "--porcelain") == ""
    assert not clone.repro() - {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"}


def test_what_a_removed_run_left_is_deleted_and_what_the_user_made_stays(project, edited):
    folder = project.folder
    lock = (folder / "dvc.lock").read_text()
    mine = folder / "data/runs/mine/notes.txt"
    mine.parent.mkdir()
    mine.write_text("the user's")
    runs = {name: {"method": method, "detector": "compact", "tier": "all", "conditions": ["NT_c23"]}
            for name, method in (("compact_baseline", "baseline"), ("compact_grad_bat", "grad_bat"),
                                 ("compact_two_gen_bat", "two_gen_bat"), ("compact_jpeg", "jpeg"))}  # fmt: skip
    ran = edited({"runs": runs})
    left = ("data/runs/{}", "data/scores/{}.parquet", "reports/metrics/{}.json", "reports/evaluation/{}.json",
            "reports/roc/{}.csv", "reports/confusion/{}.csv")  # fmt: skip
    assert "robustness" not in ran
    assert all((folder / name.format("compact_jpeg")).exists() for name in left)
    del runs["compact_jpeg"]
    project.set({"runs": runs})
    said = project.call("dvc", "repro")
    assert said.count("deleted what params.yaml no longer names: ") == 1
    assert "kept, since neither params.yaml nor DVC knows it: data/runs/mine" in said
    assert not [name for name in left if (folder / name.format("compact_jpeg")).exists()]
    assert mine.read_text() == "the user's"
    assert (folder / "reports/metrics/compact_baseline.json").exists()
    assert "compact_jpeg" not in project.call("dvc", "metrics", "show", "--md")
    assert recorded(folder, lock) == recorded(folder, (folder / "dvc.lock").read_text())
    shutil.rmtree(mine.parent)


def recorded(folder, lock):
    """Hash of each folder that several runs write into, as the stages that read all of them have it."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load(lock)["stages"]
    folders = ("reports/evaluation", "reports/roc", "data/studied")
    return {(name, dep["path"]): dep["md5"] for name in ("tables", "report", "robustness")
            for dep in stages[name]["deps"] if dep["path"] in folders}  # fmt: skip


def write_weights(path, seed):
    torch.manual_seed(seed)
    save_file(timm.create_model(TINY_MODEL).state_dict(), path)


def test_another_weight_file_under_the_same_name_retrains_its_run_alone(project, edited):
    path = project.folder / "weights.safetensors"
    write_weights(path, 0)
    detector = {
        "name": f"timm:{TINY_MODEL}", "pretrained": True, "weights": path.name, "dropout": 0.0, "drop_path": 0.0,
        "image_size": None,
    }  # fmt: skip
    run = {"method": "baseline", "detector": "small", "tier": "all", "conditions": ["NT_c23"]}
    from ruamel.yaml import YAML

    content = YAML(typ="safe").load(project.params.read_text())
    edited({
        "detectors": {**content["detectors"], "small": detector}, "runs": {**content["runs"], "small_baseline": run}
    })  # fmt: skip
    write_weights(path, 1)
    own = {f"{stage}@small_baseline" for stage in ("train", "score", "evaluate")}
    assert project.repro() == {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"} | own | {"tables", "report"}
    path.unlink()
    assert project.repro() == {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"}


def test_after_a_kill_emptied_the_lock_what_the_copy_lacks_is_not_run_again(project):
    before = (project.folder / "dvc.lock").read_text()
    (project.folder / "dvc.lock").write_text("")
    said = project.call("python", "-m", "deepfake_adv.execution.dvc_lock")
    assert "dvc.lock was restored from" in said
    assert project.repro() == {"outside/dvc.yaml:inputs", "outside/dvc.yaml:inventory"}
    assert (project.folder / "dvc.lock").read_text() == before
