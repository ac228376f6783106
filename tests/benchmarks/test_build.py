"""A fresh clone is built, and built again."""

import subprocess

import pytest

from benchmarks.build import build

MAKEFILE = """repro:
	mkdir -p .venv/bin data .dvc/cache
	head -c 300000 /dev/zero | tr '\\\\0' x > data/x
	ln data/x .dvc/cache/x
	printf '#!/bin/sh\\nsleep 0.2; test "$$1" = repro\\n' > .venv/bin/dvc
	chmod +x .venv/bin/dvc
"""


def commit(folder):
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "as it is"]):
        subprocess.run([*git, *command], check=True)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    commit(folder)
    return folder


def test_a_clone_is_built_twice_and_what_it_takes_is_counted_once(repository, tmp_path):
    found = build(repository, tmp_path / "clone")
    assert set(found["first"]) == set(found["again"]) == {"wall_s", "cpu_s"}
    assert found["again"]["wall_s"] >= 0.2
    assert 300_000 <= found["bytes"]["outputs"] < 400_000
    assert 0 < found["bytes"]["environment"] < 100_000
    assert not (repository / "data").exists()


def test_a_build_that_fails_is_no_measurement(repository, tmp_path):
    (repository / "Makefile").write_text("repro:\n\tfalse\n")
    commit(repository)
    with pytest.raises(subprocess.CalledProcessError):
        build(repository, tmp_path / "clone")
