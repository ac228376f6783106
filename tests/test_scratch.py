"""Scratch folders: found again, owned by one process, published in one step."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from deepfake_adv import scratch
from deepfake_adv.files import TEMPORARY
from deepfake_adv.scratch import ASKED, Scratch, ScratchNamed, owner_of
from deepfake_adv.stage import explain


def test_scratch_finds_its_own_pieces_again_and_no_others(tmp_path):
    first = Scratch("crop", {"margin": 1.3}, code="0", root=tmp_path / "work")
    (first.path / "piece").write_text("done")
    assert (Scratch("crop", {"margin": 1.3}, code="0", root=tmp_path / "work").path / "piece").exists()
    assert not (Scratch("crop", {"margin": 1.4}, code="0", root=tmp_path / "work").path / "piece").exists()
    assert not (Scratch("crop", {"margin": 1.3}, code="1", root=tmp_path / "work").path / "piece").exists()


def test_publishing_replaces_the_output_completely(tmp_path):
    output = tmp_path / "data" / "crops"
    output.mkdir(parents=True)
    (output / "stale").write_text("old")
    scratch = Scratch("crop", {}, code="0", root=tmp_path / "work")
    (scratch.path / "piece").write_text("new")
    (scratch.path / f"{TEMPORARY}piece-k1ll3d.csv").write_text("half")
    (scratch.path / ".hidden.mkv").write_text("frames of a video of that name")
    scratch.publish(output)
    assert sorted(os.listdir(output)) == [".hidden.mkv", "piece"]
    assert not scratch.path.exists()


@pytest.fixture
def two_disks(monkeypatch):
    """No rename leads from a folder of this name out of it."""
    rename = os.replace

    def replace(source, target):
        if ("work" in str(source)) != ("work" in str(target)):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr("deepfake_adv.scratch.os.replace", replace)


def scratch_and_output(tmp_path):
    output = tmp_path / "data/crops"
    output.mkdir(parents=True)
    (output / "stale").write_text("old")
    scratch = Scratch("crop", {}, code="0", root=tmp_path / "work")
    (scratch.path / "below").mkdir()
    (scratch.path / "below/piece").write_text("new")
    return scratch, output


def test_an_output_on_another_disk_is_replaced_completely(tmp_path, two_disks):
    scratch, output = scratch_and_output(tmp_path)
    scratch.publish(output)
    assert [path.name for path in output.iterdir()] == ["below"]
    assert (output / "below/piece").read_text() == "new"
    assert os.listdir(output.parent) == ["crops"]
    assert not scratch.path.exists()


def test_what_is_there_stays_until_the_other_disk_holds_all_of_it(tmp_path, two_disks, monkeypatch):
    def full(source, target):
        Path(target).write_text("h")
        raise OSError(errno.ENOSPC, "No space left on device", source)

    scratch, output = scratch_and_output(tmp_path)
    monkeypatch.setattr("deepfake_adv.scratch.shutil.copy2", full)
    with pytest.raises(OSError, match="No space") as failed:
        scratch.publish(output)
    said = explain(failed.value)  # failed before: a list of tuples
    assert said == f"disk must have room for the output; it is full at {output.parent}. Free space and " + (
        "run the same command again."
    )
    assert os.listdir(output.parent) == ["crops"]  # the half copy has given its room back
    assert (output / "stale").read_text() == "old"
    assert (scratch.path / "below/piece").exists()
    monkeypatch.undo()
    scratch.publish(output)
    assert (output / "below/piece").read_text() == "new"


HOLD = """
    import sys, time
    from pathlib import Path
    from deepfake_adv.scratch import Scratch
    held = Scratch("train-x", {}, code="0", root=Path(sys.argv[1]))
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_owner(tmp_path):
    """Another process that works in the folder; yields it and the folder's root."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_the_first_is_named(tmp_path, other_owner, monkeypatch, caplog):
    monkeypatch.setattr(scratch, "PATIENCE", 0.3)
    with pytest.raises(ValueError, match=rf"must have one owner; process {other_owner.pid} on .* works in it\. Wait"):
        Scratch("train-x", {}, code="0", root=tmp_path)
    assert f"for process {other_owner.pid} on " in caplog.text
    Scratch("train-x", {}, code="1", root=tmp_path)  # another folder is free


def test_sigkill_frees_the_folder_for_the_one_that_waits(tmp_path, other_owner):
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert str(other_owner.pid) in owner_of(folder)
    (folder / "piece").write_text("done")
    other_owner.send_signal(signal.SIGKILL)
    mine = Scratch("train-x", {}, code="0", root=tmp_path)
    assert (mine.path / "piece").exists()
    assert str(os.getpid()) in owner_of(mine.path)


def test_publishing_and_removing_give_the_folder_up(tmp_path):
    for name in ("publish", "remove"):
        mine = Scratch("crop", {}, code="0", root=tmp_path / "work")
        mine.publish(tmp_path / "out") if name == "publish" else mine.remove()
        assert os.listdir(tmp_path / "work") == []
        assert owner_of(mine.path) is None


def test_one_who_works_for_the_owner_asks_for_no_lock(tmp_path, other_owner):
    assert Scratch("train-x", {}, code="0", root=tmp_path, own=False).path.is_dir()


def test_where_it_is_requested_it_names_the_folder_and_makes_none(tmp_path, monkeypatch):
    name = Scratch("crop", {}, code="0", root=tmp_path / "a").path.name
    monkeypatch.setenv(ASKED, "1")
    with pytest.raises(ScratchNamed, match=name):
        Scratch("crop", {}, code="0", root=tmp_path / "b")
    assert not (tmp_path / "b").exists()


STAGE = """
    import os, sys, time
    from pathlib import Path
    from deepfake_adv.scratch import Scratch
    from deepfake_adv.stage import run_stage
    def main():
        Scratch("train-x", {}, code="0", root=Path("work"))
        Path("pid").write_text(str(os.getpid()))
        time.sleep(120)
    run_stage("stage", main, [])
"""


@pytest.mark.parametrize("by_dvc", [True, False])
def test_a_stage_ends_with_the_dvc_that_started_it_and_only_then(tmp_path, until, alive, by_dvc):
    """Failed before: kill -9 of DVC left the training running, and the next one beside it."""
    (tmp_path / "stage.py").write_text(textwrap.dedent(STAGE))
    environment = {**os.environ, "SHELL": "/bin/sh"} | ({"DVC_STAGE": "stage"} if by_dvc else {})
    parent = "import subprocess, sys; subprocess.run(['/bin/sh', '-c', f'{sys.executable} stage.py'])"
    with subprocess.Popen([sys.executable, "-c", parent], cwd=tmp_path, env=environment) as dvc:
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        process = int((tmp_path / "pid").read_text())
        dvc.kill()
    try:
        if by_dvc:
            until(lambda: not alive(process))
        else:
            time.sleep(2)
            assert alive(process)
    finally:
        if alive(process):
            os.kill(process, signal.SIGKILL)
