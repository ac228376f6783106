import contextlib
import errno
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepfake_adv.execution.pool import check_failures, guarded, map_tasks, note_failure, remaining
from deepfake_adv.files import DISK_FAULTS


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_hold_values_and_errors(workers):
    outcomes = {outcome.task: outcome for outcome in map_tasks(int, ["1", "2", "x"], workers=workers)}
    assert outcomes["1"].value == 1
    assert outcomes["2"].value == 2
    assert outcomes["x"].value is None
    assert "invalid literal" in outcomes["x"].error


def test_no_tasks_give_no_outcomes():
    assert list(map_tasks(int, [], workers=2)) == []


def test_a_killed_worker_is_reported():
    with pytest.raises(RuntimeError, match="worker process must live"):
        list(map_tasks(os._exit, [1, 1], workers=2))


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="engine must be one of local, ray; got 'dask'"):
        list(map_tasks(int, ["1"], engine="dask"))


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_ray_without_ray_says_how_to_get_it():
    with pytest.raises(RuntimeError, match="make setup-ray"):
        list(map_tasks(int, ["1"], engine="ray"))


@pytest.mark.slow
def test_ray_gives_the_same_outcomes():
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    outcomes = {outcome.task: outcome for outcome in map_tasks(int, ["1", "2", "x"], engine="ray")}
    assert (outcomes["1"].value, outcomes["2"].value) == (1, 2)
    assert "invalid literal" in outcomes["x"].error


@pytest.mark.slow
def test_ray_keeps_what_the_disk_said():
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device", "data/faces")

    with pytest.raises(OSError, match="No space left") as stop:
        list(map_tasks(full, ["1"], engine="ray"))
    assert stop.value.errno == errno.ENOSPC


def test_what_is_left_after_a_kill_is_reported(caplog):
    with caplog.at_level("INFO"):
        assert remaining(range(5), lambda task: task < 2, desc="crop toy") == [2, 3, 4]
        assert remaining(range(3), lambda task: False, desc="quiet") == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == ["crop toy: going on after 2 of 5 videos"]


def test_more_failures_than_allowed_are_refused_by_name():
    check_failures({"a": "it broke."}, 10, 0.1, key="crop.max_failed_share")
    with pytest.raises(
        ValueError,
        match=r"at most 10\.0% of the videos may fail in crop; 2 of 10 did, a for one: it broke\. Fix them, or raise "
        r"crop\.max_failed_share",
    ):
        check_failures({"a": "it broke.", "b": "so did it."}, 10, 0.1, key="crop.max_failed_share")


def test_of_many_failures_a_few_are_said_and_all_are_listed(tmp_path, caplog):
    """Failed before: 5 % of 15,000 videos were 750 lines."""
    failures = {}
    for number in range(750):
        note_failure(failures, f"real/{number:03}", f"{number}.mp4 must be whole.")
    assert len(failures) == 750
    assert len(caplog.records) == 11
    assert "more than 10 videos fail" in caplog.records[-1].getMessage()
    listed = tmp_path / "work/crop.failures.csv"
    with pytest.raises(ValueError, match=r"750 of 15000 did, real/000 for one: .*crop\.failures\.csv lists, or"):
        check_failures(failures, 15000, 0.01, key="crop.max_failed_share", listed=listed)
    lines = listed.read_text().splitlines()
    assert len(lines) == 751
    assert lines[1] == "real/000,000.mp4 must be whole.".replace("000.mp4", "0.mp4")


def write(number):
    if number == 1:
        raise DiskFull()
    return number


class DiskFull(OSError):
    """As some libraries raise it: it cannot be built again in another process."""

    def __init__(self):
        super().__init__(errno.ENOSPC, "No space left on device", "data/faces")

    def __reduce__(self):
        raise TypeError("cannot be pickled")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_ends_all_tasks_and_is_no_error_of_the_task(workers):
    with pytest.raises(OSError, match="No space left") as stop:
        list(map_tasks(write, [1, 2, 3], workers=workers))
    assert (stop.value.errno, stop.value.filename) == (errno.ENOSPC, "data/faces")


@pytest.mark.parametrize("number", sorted(DISK_FAULTS))
def test_whatever_the_disk_refuses_is_raised(number):
    def task(_):
        raise OSError(number, "refused")

    with pytest.raises(OSError) as stop:
        guarded(task, 1)
    assert stop.value.errno == number


def test_a_file_that_is_missing_is_an_error_of_the_task():
    assert "No such file" in guarded(os.stat, "nowhere").error


SCRIPT = """
import signal
import sys
import time
from pathlib import Path
from deepfake_adv.execution.pool import map_tasks
from deepfake_adv.stage import run_stage

def task(number):
    Path(f"ready{number}").touch()
    time.sleep(float(sys.argv[1]))

def main():
    list(map_tasks(task, range(2), workers=2))

if __name__ == "__main__":
    # tests may run in a shell's background, where Ctrl-C is ignored
    signal.signal(signal.SIGINT, getattr(signal, sys.argv[2]))
    run_stage("toy", main, [])
"""


@pytest.fixture
def process(tmp_path, request):
    """A stage with two workers that are busy for so many seconds, and what it makes of Ctrl-C."""
    (tmp_path / "toy.py").write_text(SCRIPT)
    given = getattr(request, "param", ("60", "default_int_handler"))
    process = subprocess.Popen(
        [sys.executable, "toy.py", *given], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("ready*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def test_ctrl_c_stops_all_processes_with_one_line(process):
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert len(said.splitlines()) == 1
    assert "interrupted" in said


@pytest.mark.parametrize("process", [("3", "SIG_IGN")], indirect=True)
def test_in_the_background_no_process_minds_ctrl_c(process):
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(process, number):
    process.send_signal(number)
    process.communicate(timeout=10)  # returns once no process is left that could write there
    assert process.returncode == -number


def test_a_task_of_another_checkout_is_not_run(tmp_path):
    with pytest.raises(ValueError, match="deepfake_adv must be the same in every process"):
        guarded(str, 1, tmp_path)
