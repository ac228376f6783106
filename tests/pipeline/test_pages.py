"""Every command of the pages is run, in the order of the page, in a tiny project of its own.

What stands in a page's bash blocks is typed; files and lines of params.yaml that it shows are written when their turn
comes. Profiles are small there, and the reader's own files show rendered people. `tests/repository/pages.py` says how a
page marks blocks.
"""

import csv
import io
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.conftest import ROOT, RUNS, SMALL, TINY
from tests.repository.pages import blocks_of, commands_of, pages_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

TYPED = ("docs/tutorials", "docs/how-to")
TARGETS = {"clean", "profile-clips", "profile-demo", "profile-own", "profile-paper", "pull", "repro", "train-all"}
"""Targets of the Makefile that run in a tiny project."""
RENAMED = {
    "compact_grad_aat": "compact_grad_bat",  # a run that the tiny project lacks
    "methods.grad_bat.epsilon=0.2,0.4": "report.dpi=80,90",  # two experiments of one stage each
}
QUEUE_ENDS = "until ! dvc queue status | grep -E 'Queued|Running'; do sleep 1; done; dvc queue stop"
"""DVC's queue works in the background; a reader waits. Its idle worker ends, too."""
OWN_FILES = {
    "2-clips.md": [f"my_clips/{number}.mp4" for number in range(6)],
    "6-scoring.md": ["clip.mp4", "photo.jpg"],
}
HERE = Path(__file__).parent
PAGES = [
    page
    for page in pages_of(ROOT)
    if page.relative_to(ROOT).as_posix().startswith(TYPED) and any(b.is_commands for b in blocks_of(page, ROOT))
]
MAKE = """#!/bin/bash
exec {make} VENV={venv} --assume-old={venv}/.installed "$@"
"""
OWN = """#!/bin/bash
if [ "$1" != serve ]; then exec python -m deepfake_adv "$@"; fi
python -m deepfake_adv "$@" & server=$!
for wait in {1..240}; do
  curl --silent --output /dev/null "http://127.0.0.1:${!#}/" && exit 0
  kill -0 "$server" || exit 1
  sleep 0.5
done
exit 1
"""
"""The server answers before the next command is typed, as a reader has it in a second terminal; its port is last."""


def typed(page):
    """The page as one script of bash."""
    blocks = blocks_of(page, ROOT)
    lines = ["set -eo pipefail"]
    films = [*OWN_FILES.get(page.name, ()), *(file for block in blocks for file in listed(block))]
    if films:
        lines.append(f"python {HERE / 'films.py'} {' '.join(films)}")
    for block in blocks:
        if block.not_run:
            continue
        if block.file:
            lines += [f"cat > '{block.file}' <<'END_OF_BLOCK'", block.text + "END_OF_BLOCK"]
        elif block.is_params:
            script = ROOT / "tests/repository/merge_params.py"
            lines += [f"python {script} {' '.join(block.replaces)} <<'END_OF_BLOCK'", block.text + "END_OF_BLOCK"]
        elif block.is_commands:
            targets = {word for words in commands_of(block.text) if words[0] == "make" for word in words[1:]}
            assert {word for word in targets if "=" not in word} <= TARGETS, f"{block.place}: mark it as not run"
            lines.append(re.sub("|".join(map(re.escape, RENAMED)), lambda name: RENAMED[name[0]], block.text))
            lines += [QUEUE_ENDS] if "dvc queue start" in block.text else []
    return "\n".join([*lines, ""])


def listed(block):
    """The videos that a table of the page names."""
    if block.language != "csv":
        return []
    return [line["path"] for line in csv.DictReader(io.StringIO(block.text)) if line.get("path")]


def keep_runs(path):
    """Leave the runs of the tiny project, at one condition, in a profile."""
    content = YAML().load(path.read_text())
    content["runs"] = {name: {**content["runs"][name], "conditions": ["NT_c23"]} for name in RUNS}
    with open(path, "w") as stream:
        YAML().dump(content, stream)


def copy_small(source, folder, set_params):
    """Copy the tiny project; with a Makefile and small profiles, all committed."""
    shutil.copytree(source, folder, symlinks=True)
    shutil.copy(ROOT / "Makefile", folder)
    profiles = folder / "profiles"
    shutil.copy(folder / "params.yaml", profiles / "demo.yaml")
    others = {key: value for key, value in TINY.items() if key != "robustness.runs"}
    set_params(profiles / "own.yaml", {**others, "datasets.mine.frames": SMALL["frames"]})
    small_clips = {"datasets.corpus.frames": SMALL["frames"], "corpus.max_shorter_side": 240}
    set_params(profiles / "clips.yaml", {**{k: TINY[k] for k in TINY if "pairs" not in k}, **small_clips})
    keep_runs(profiles / "clips.yaml")
    for command in (["add", "-A"], ["commit", "-qm", "Make profiles small"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def make_environment(folder):
    """`make` and `deepfake-adv` use this environment, and the code of the folder that they are typed in."""
    folder.mkdir()
    texts = {"make": MAKE.format(make=shutil.which("make"), venv=sys.prefix), "deepfake-adv": OWN}
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}


def type_page(page, small, folder):
    """Type a page in a copy of a project, in a new folder; gives the exit code and what was said."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(small, folder / "project", symlinks=True)
    script, said = folder / "page.sh", folder / "said.txt"
    script.write_text(typed(page))
    with open(said, "w") as stream:  # no pipe, which a server in the background would keep open
        reader = subprocess.Popen(
            ["bash", "-x", script], cwd=folder / "project", env=make_environment(folder / "bin"), stdout=stream,
            stderr=stream, start_new_session=True,
        )  # fmt: skip
        try:
            code = reader.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(reader.pid, signal.SIGKILL)  # also such a server
    return code, said.read_text()


@pytest.fixture(scope="module")
def small_project(project, set_params, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "project"
    copy_small(project.folder, folder, set_params)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_reader_can_type_every_command(page, small_project, tmp_path):
    code, said = type_page(page, small_project, tmp_path)
    assert code == 0, said[-6000:]


def test_there_are_pages_to_type():
    assert {"1-demo.md", "2-clips.md", "3-labelled-videos.md", "5-method.md", "6-scoring.md"} <= {p.name for p in PAGES}
    assert len(PAGES) >= 11
