"""dvc.lock after a kill: truncated, empty, half-written, missing."""

import os
import subprocess
import sys

import pytest
from dvc.lock import make_lock

from deepfake_adv.execution.dvc_lock import COPY, DAMAGED, LOCK, RUNNING, is_whole, keep_lock, restore_lock

ENTRY = """\
  {name}:
    cmd: python make.py {name}
    deps:
    - path: data/{name}
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e.dir
      size: 3
      nfiles: 1
    params:
      params.yaml:
        train:
          folder:
    outs:
    - path: out/{name}
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 3
"""
WHOLE = "schema: '2.0'\nstages:\n" + "".join(ENTRY.format(name=f"stage{index}") for index in range(40))


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / LOCK).write_text(WHOLE)
    assert keep_lock(tmp_path)
    return tmp_path


def damage(project, text):
    (project / LOCK).write_text(text)
    os.utime(project / LOCK, ns=(1, 1))


CUT = {
    "empty": "",
    "in the first line": WHOLE[:5],
    "in a word": WHOLE[: WHOLE.index("stage17") + 3],
    "in a hash": WHOLE[: WHOLE.index("d41d8", 3000) + 9],
    "before a hash": WHOLE[: WHOLE.index("      hash: md5\n", 4000)],
    "before a command": WHOLE[: WHOLE.index("    cmd: python make.py stage30")],
    "no stages": "schema: '2.0'\n",
    "between two stages": WHOLE[: WHOLE.index("  stage30:\n")],
    "after a hash, in the last stage": WHOLE[: WHOLE.rindex("      size: 3\n")],
    "between two stages, one of them new": WHOLE[: WHOLE.index("  stage30:\n")].replace(
        "      size: 3", "      size: 4", 1
    ),
    "zeros": "\0" * 4096,
}


@pytest.mark.parametrize("text", CUT.values(), ids=CUT)
def test_a_lock_that_was_cut_off_comes_back_with_one_sentence(project, caplog, text):
    damage(project, text)
    assert not keep_lock(project)
    assert restore_lock(project)
    assert (project / LOCK).read_text() == WHOLE
    assert (project / DAMAGED).read_text() == text
    assert len(caplog.records) == 1
    assert "dvc.lock was restored from .dvc/tmp/dvc.lock.good: it was cut off while DVC wrote it" in caplog.text


def test_at_nearly_any_byte_a_cut_is_seen_without_a_backup():
    text = WHOLE[: len(WHOLE) // 8].encode()
    unseen = [end for end in range(len(text)) if is_whole(text[:end])]
    assert all(text[:end].endswith(b"\n") for end in unseen)
    assert len(unseen) < len(text) / 20


def test_an_older_commits_lock_is_not_taken_for_a_cut_one(project, caplog):
    for command in (["init", "-q"], ["config", "user.email", "t@example.org"], ["config", "user.name", "t"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    older = WHOLE[: WHOLE.index("  stage30:\n")]
    damage(project, older)
    for command in (["add", LOCK], ["commit", "-qm", "Start"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    assert not restore_lock(project)
    assert (project / LOCK).read_text() == (project / COPY).read_text() == older
    assert not caplog.records


def test_a_missing_lock_is_restored(project, caplog):
    (project / LOCK).unlink()
    assert restore_lock(project)
    assert (project / LOCK).read_text() == WHOLE
    assert "it was missing" in caplog.text


def test_the_lock_of_the_stages_that_always_run_comes_back_too(project, caplog):
    lock = project / "outside/dvc.lock"
    lock.parent.mkdir()
    lock.write_text(WHOLE)
    assert keep_lock(project)
    lock.write_text("")
    os.utime(lock, ns=(1, 1))
    assert restore_lock(project)
    assert lock.read_text() == WHOLE
    assert "outside/dvc.lock was restored from .dvc/tmp/outside-dvc.lock.good" in caplog.text


def test_a_complete_lock_stays_and_refreshes_the_copy(project, caplog):
    assert not restore_lock(project)
    grown = WHOLE + ENTRY.format(name="another")
    (project / LOCK).write_text(grown)
    assert not restore_lock(project)
    assert (project / COPY).read_text() == grown
    assert not caplog.records


def test_a_cut_list_of_running_processes_goes_and_one_that_is_being_written_stays(project, caplog):
    """Failed before: a kill as DVC wrote it, and every later DVC command ended with "JSON structure is corrupted"."""
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    running = project / RUNNING
    running.write_text('{"read": {}}')
    assert not restore_lock(project)
    assert running.exists()
    running.write_text('{"read": {"data": [{"pid"')
    with make_lock(f"{running}.lock"):
        restore_lock(project)
    assert running.exists()
    assert not caplog.records
    restore_lock(project)
    assert not running.exists()
    assert "rwlock was incomplete after a kill of DVC; it is deleted" in caplog.text


def test_conflict_markers_are_for_the_user(project):
    text = f"<<<<<<< HEAD\n{WHOLE}=======\n{WHOLE}>>>>>>> other\n"
    damage(project, text)
    with pytest.raises(ValueError, match=r"dvc\.lock must be merged; got git.s conflict"):
        restore_lock(project)
    assert (project / LOCK).read_text() == text


def test_without_a_backup_the_fix_by_hand_is_reported(tmp_path):
    (tmp_path / ".dvc").mkdir()
    assert not restore_lock(tmp_path)  # nothing has run yet
    (tmp_path / LOCK).write_text(WHOLE[:500])
    with pytest.raises(ValueError, match=r"dvc\.lock must be complete; .* Run `git checkout dvc.lock`"):
        restore_lock(tmp_path)


def test_outside_a_project_nothing_is_written(tmp_path):
    (tmp_path / LOCK).write_text(WHOLE)
    assert not keep_lock(tmp_path)
    assert not restore_lock(tmp_path)
    assert os.listdir(tmp_path) == ["dvc.lock"]


@pytest.mark.parametrize("cut", [True, False])
def test_the_command_that_make_repro_begins_with(project, cut):
    if cut:
        damage(project, "")
    else:
        (project / COPY).unlink()
        damage(project, "schema: '2.0")
    command = [sys.executable, "-m", "deepfake_adv.execution.dvc_lock"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == (0 if cut else 1)
    assert "Traceback" not in done.stderr
    assert ("dvc.lock was restored" if cut else "dvc.lock must be complete") in done.stderr
