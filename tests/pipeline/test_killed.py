"""SIGKILL in the middle of a stage: no half-written file is used as complete, and the next run continues from there."""

import os
import signal
import subprocess
import time

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STAGES = {"locate@corpus": "data/faces/corpus", "crop@corpus_c23": "data/crops/corpus/c23"}


def hashes(project, stage):
    lock = YAML(typ="safe").load((project.folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"][stage]["outs"]}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_ended_by_sigkill_goes_on_and_leaves_the_same_bytes(project, stage):
    before, output = hashes(project, stage), project.folder / STAGES[stage]
    # a digit first: pathlib's * also matches the hidden temporary file that is still being written
    pattern = f"work/{stage.partition('@')[0]}-*/tasks/[0-9]*.parquet"
    process = subprocess.Popen(
        ["dvc", "repro", "--force", "--single-item", stage],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(project.folder.glob(pattern)):
        assert process.poll() is None, f"{stage} ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    said = project.call("dvc", "repro", "--force", "--single-item", stage)
    assert "going on after" in said
    assert hashes(project, stage) == before
    assert not list(project.folder.glob(pattern))
