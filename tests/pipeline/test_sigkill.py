"""SIGKILL in the middle of a stage, DVC's own writing among it: the next run goes on and leaves the same bytes.

``DEEPFAKE_ADV_KILLS=50 pytest -m slow tests/pipeline/test_sigkill.py`` kills each stage 50 times; twice if not set.
``DEEPFAKE_ADV_SEED`` draws other moments. With more kills than two the stages have more to do, so that there is
something to go on from. `kills.py` kills and compares; it runs by itself too.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("DEEPFAKE_ADV_KILLS", "2"))
SEED = os.environ.get("DEEPFAKE_ADV_SEED", "0")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 + 120 * KILLS)]

STAGES = (
    "extract@corpus_c23", "locate@corpus", "crop@corpus_c23", "train@compact_two_gen_bat", "score@compact_baseline",
    "attack", "robustness", "examples",
)  # fmt: skip


MORE = {
    "train.seeds": [0, 1, 2],
    "train.epochs": 3,
    "train.steps_per_epoch": 6,
    "attack.images.count": 24,
    "robustness.frames": 4,
    "robustness.batch_size": 2,
}


@pytest.fixture(scope="module")
def busy(project):
    """The project; with more to do for its stages, if there are many kills."""
    before = project.params.read_text()
    if KILLS > 2:
        project.set(MORE)
        project.repro()
    yield project
    project.params.write_text(before)
    project.repro()


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_random_moments_a_stage_leaves_the_same_bytes(busy, stage, capsys):
    said = busy.call(sys.executable, str(Path(__file__).with_name("kills.py")), stage, str(KILLS), SEED)
    undisturbed, *kills = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert undisturbed["differs"] == []
    assert len(kills) == KILLS
    assert [kill for kill in kills if kill["code"] or kill["differs"]] == []
    with capsys.disabled():
        counts = {name: sum(kill[name] for kill in kills) for name in ("killed", "half", "resumed")}
        sys.stdout.write(f"{stage}: {counts} of {KILLS} within {undisturbed['takes']} s\n")


@pytest.mark.parametrize(
    ("stage", "output"), [("locate@corpus", "data/faces/corpus"), ("crop@corpus_c23", "data/crops/corpus/c23")]
)
def test_what_a_stage_had_done_before_sigkill_is_not_done_again(project, until, stage, output):
    """DVC itself, from a cold start, killed as soon as one video is done."""
    lock = (project.folder / "dvc.lock").read_text()
    # a digit first: pathlib's * also matches the hidden temporary file that is still being written
    pattern = f"work/{stage.partition('@')[0]}-*/tasks/[0-9]*.parquet"
    command = ("dvc", "repro", "--force", "--single-item", stage)
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: process.poll() is not None or list(project.folder.glob(pattern)), every=0.005)
    assert process.poll() is None, f"{stage} ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (project.folder / output).exists()
    assert "going on after" in project.call(*command)
    assert (project.folder / "dvc.lock").read_text() == lock
    assert not list(project.folder.glob(pattern))
