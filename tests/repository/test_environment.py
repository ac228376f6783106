"""The environment that `make setup` makes: its interpreter has the environment's commands first on PATH."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

BARE = os.defpath


@pytest.fixture(scope="module")
def environment(root, tmp_path_factory):
    """A virtual environment with the packages of this one, and what the Makefile copies into it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    packages = sysconfig.get_path("purelib")
    (site / "packages.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
    (line,) = re.findall(r"^\tcp (requirements/bin_first\.pth.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    command = f"cp {line}".replace("$(BIN)", str(folder / "bin")).replace("$$", "$")
    subprocess.run(command, shell=True, cwd=root, check=True)
    return folder


def call(environment, *command, path=BARE, folder=None):
    given = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    given.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SHOW = "import os; print(os.environ['PATH'])"


def test_its_commands_come_first_without_activation(environment):
    binary = str(environment / "bin")
    python = f"{binary}/python"
    assert call(environment, python, "-c", SHOW).strip() == f"{binary}{os.pathsep}{BARE}"
    inner = f"import subprocess; subprocess.run(['python', '-c', {SHOW!r}], check=True)"
    assert call(environment, python, "-c", inner).strip() == f"{binary}{os.pathsep}{BARE}"  # and only once
    active = f"{binary}{os.pathsep}{BARE}"
    assert call(environment, python, "-c", SHOW, path=active).strip() == active


def test_an_active_environment_of_another_project_does_not_come_first(environment, tmp_path):
    other = str(Path(sys.executable).parent)
    shown = call(environment, str(environment / "bin/python"), "-c", SHOW, path=f"{other}{os.pathsep}{BARE}").strip()
    assert shown.split(os.pathsep)[0] == str(environment / "bin")


@pytest.mark.slow
@pytest.mark.parametrize("command", [["repro"], ["exp", "run", "--temp", "--name", "aside"]])
def test_dvc_runs_stages_in_its_own_environment_without_activation(environment, tmp_path, command):
    python = str(environment / "bin/python")
    code = "import sys; open('out.txt', 'w').write(sys.prefix)"
    (tmp_path / "dvc.yaml").write_text(
        f'stages:\n  show:\n    cmd: python -c "{code}"\n    outs:\n    - out.txt:\n        cache: false\n'
    )
    for line in (
        ["git", "init", "-q"],
        ["git", "config", "user.email", "tests@example.org"],
        ["git", "config", "user.name", "tests"],
        [python, "-m", "dvc", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "Start"],
        [python, "-m", "dvc", *command],
    ):
        call(environment, *line, folder=tmp_path)
    if command == ["repro"]:
        assert (tmp_path / "out.txt").read_text() == str(environment)
    else:
        references = call(environment, "git", "for-each-ref", "--format=%(refname)", "refs/exps", folder=tmp_path)
        (reference,) = [name for name in references.split() if name.endswith("/aside")]
        assert call(environment, "git", "show", f"{reference}:out.txt", folder=tmp_path) == str(environment)
