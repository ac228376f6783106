"""SIGKILL at random moments of a stage, DVC's own writing among them: the next `dvc repro` leaves the same bytes.

``DEEPFAKE_ADV_KILLS=50 pytest -m slow tests/pipeline/test_sigkill.py`` kills each stage 50 times; a few if not set. The
moments are drawn over the time that an undisturbed `dvc repro` of the stage takes; ``DEEPFAKE_ADV_SEED`` draws others.
Half of the kills end DVC with its stage, as a machine does that goes down; half end DVC alone.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from ruamel.yaml import YAML

KILLS = int(os.environ.get("DEEPFAKE_ADV_KILLS", "2"))
SEED = int(os.environ.get("DEEPFAKE_ADV_SEED", "0"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 + 120 * KILLS)]

STAGES = (
    "extract@corpus_c23", "locate@corpus", "crop@corpus_c23", "train@compact_two_gen_bat", "score@compact_baseline",
    "attack", "robustness",
)  # fmt: skip
MEND = (sys.executable, "-m", "deepfake_adv.execution.dvc_lock")


def recorded(project, stage):
    lock = YAML(typ="safe").load((project.folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"][stage]["outs"]}


def start(project, stage):
    return subprocess.Popen(
        ["dvc", "repro", "--force", "--single-item", stage],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_random_moments_a_stage_leaves_the_same_bytes(project, stage, capsys):
    before, start_of = recorded(project, stage), time.monotonic()
    assert start(project, stage).wait() == 0
    takes = time.monotonic() - start_of
    assert recorded(project, stage) == before
    rng = random.Random(f"{SEED} {stage}")
    killed = 0
    for _ in range(KILLS):
        process = start(project, stage)
        time.sleep(rng.uniform(0, 1.05 * takes))
        alone = rng.random() < 0.5
        killed += process.poll() is None
        if alone:
            process.kill()
        elif process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        project.call(*MEND)
        # not forced, as a user would; but not from DVC's cache of runs, which has the whole output
        project.call("dvc", "repro", "--no-run-cache", "--single-item", stage)
        assert recorded(project, stage) == before
        assert json.loads(project.call("dvc", "status", "--json", stage)) == {}  # the bytes are those recorded
    with capsys.disabled():
        sys.stdout.write(f"{stage}: killed {killed} times within {takes:.1f} s\n")
    assert not list(project.folder.glob("work/*-tasks-*"))
