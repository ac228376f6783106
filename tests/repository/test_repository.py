"""The README's commands, the profiles and the size of files."""

import re
import subprocess

import pytest

from deepfake_adv.corpus.render.take import film
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.files import sha256, write_json
from deepfake_adv.params.load import load_params, read_yaml
from deepfake_adv.training.checkpoint import save_weights
from deepfake_adv.video.colour import rgb_to_i420
from deepfake_adv.video.encode import write_h264

PROFILES = ("clips", "demo", "own", "paper", "study", "study_clips")


def tracked(root, *patterns):
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=root, capture_output=True, text=True, check=True)
    return [root / line for line in listed.stdout.splitlines()]


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_resolve(root, profile):
    assert load_params(path=root / "profiles" / f"{profile}.yaml").profile == profile


@pytest.mark.slow  # so that it is no default test: a user's own params.yaml, committed or not, is right
def test_params_equal_a_profile_in_the_commit(root):
    def committed(name):
        done = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=root, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"HEAD has no {name}: this is no checkout of the project's repository")
        return done.stdout

    assert committed("params.yaml") in [committed(f"profiles/{profile}.yaml") for profile in PROFILES]


def test_no_default_test_reads_the_live_params(root):
    """`make test` stays green whatever a user writes into params.yaml."""
    live = re.compile(r"""\bROOT\b[^#\n]*["']params\.yaml["']""")
    found = {
        path.name: line
        for path in tracked(root, "tests/*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if live.search(line) and "profiles" not in line and path.name != "test_repository.py"
    }
    assert found == {}


def test_profiles_have_the_same_sections(root):
    keys = [set(read_yaml(root / "profiles" / f"{profile}.yaml")) for profile in PROFILES]
    assert all(each == keys[0] for each in keys)


def test_make_targets_that_pages_name_exist(root):
    pages = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").rglob("*.md")]
    named = {
        page.name: set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        for page in pages
    }
    assert {"repro", "test"} <= named["README.md"]
    assert len(named) > 5
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([a-z -]+):", makefile, re.MULTILINE) for name in line.split()}
    assert set().union(*named.values()) <= targets


def test_the_readme_is_short(root):
    assert len((root / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_links_between_pages_lead_somewhere(root):
    pages = [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + [
        *(root / "docs").rglob("*.md")
    ]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert len(links) > 15
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


@pytest.fixture
def example(root, tmp_path, monkeypatch):
    """The README's Python, in a folder with the clip and the detector that it names."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (named,) = re.findall(r'load_trained\("(.+?)"\)', code)
    entry = {"name": "compact", "width": 4}
    weights = tmp_path / named / "detector.safetensors"
    save_weights(weights, build_detector(**entry))
    record = {"condition": "NT_c23", "seed": 0, "image_size": 96, "params": {"detector": entry}}
    record["files"] = {weights.name: sha256(weights)}
    write_json(tmp_path / named / "run.json", record)
    pictures = [rgb_to_i420(picture) for picture, _ in film(1, 0, frames=3, size=240, fps=5)]
    write_h264(tmp_path / "clip.mp4", pictures, crf=10, fps=5)
    monkeypatch.chdir(tmp_path)
    return code


def test_the_readmes_python_runs(example, capsys):
    """The clip shows one of the corpus's heads; the detector has random weights, so its score is some number."""
    exec(compile(example, "README.md", "exec"), {})
    score, auc = capsys.readouterr().out.splitlines()
    assert 0 < float(score) < 1
    assert auc == "Estimate(value=1.0, low=1.0, high=1.0)"


def test_no_test_asserts_an_absolute_time(root):
    clock = re.compile(r"assert [^#\n]*(perf_counter|monotonic|process_time|time\.time)\(\)")
    found = [path.name for path in tracked(root, "tests/*.py") if clock.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_python_files_are_short(root):
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in tracked(root, "*.py")}
    assert len(lengths) > 100
    assert {path.name: n for path, n in lengths.items() if n > 300} == {}


def test_no_committed_file_is_large(root):
    assert [path for path in tracked(root) if path.exists() and path.stat().st_size > 500_000] == []
