"""The README's commands, the profiles and the size of files."""

import re
import subprocess

import pytest

from deepfake_adv.params.load import load_params, read_yaml

PROFILES = ("demo", "paper")


def tracked(root, *patterns):
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=root, capture_output=True, text=True, check=True)
    return [root / line for line in listed.stdout.splitlines()]


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_resolve(root, profile):
    assert load_params(path=root / "profiles" / f"{profile}.yaml").profile == profile


def test_params_equal_a_profile(root):
    live = (root / "params.yaml").read_text(encoding="utf-8")
    assert live in [(root / "profiles" / f"{profile}.yaml").read_text(encoding="utf-8") for profile in PROFILES]


def test_profiles_have_the_same_sections(root):
    keys = [set(read_yaml(root / "profiles" / f"{profile}.yaml")) for profile in PROFILES]
    assert keys[0] == keys[1]


def test_the_readme_names_make_targets_that_exist(root):
    readme = (root / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    assert {"repro", "test"} <= named
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([a-z -]+):", makefile, re.MULTILINE) for name in line.split()}
    assert named <= targets


def test_python_files_are_short(root):
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in tracked(root, "*.py")}
    assert len(lengths) > 100
    assert {path.name: n for path, n in lengths.items() if n > 300} == {}


def test_no_committed_file_is_large(root):
    assert [path for path in tracked(root) if path.exists() and path.stat().st_size > 500_000] == []
