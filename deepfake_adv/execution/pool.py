"""Per-item tasks on a process pool or a Ray cluster: one code path, failures as values.

The pool is the standard library's `concurrent.futures`. joblib is not used: its Ray backend needs Ray's package, and
what is added here (errors as outcomes, workers that end with their parent) would be needed around it as well.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Generic, TypeVar

from deepfake_adv.files import DISK_FAULTS, write_csv
from deepfake_adv.log import progress
from deepfake_adv.sources.checkout import ROOT, check_same

logger = logging.getLogger(__name__)

Task = TypeVar("Task")
Value = TypeVar("Value")

ENGINES = ("local", "ray")
_SAID = 10  # failures


@dataclass(frozen=True)
class Outcome(Generic[Task, Value]):
    """Outcome of one task: its value, or its error in one sentence."""

    task: Task
    value: Value | None
    error: str | None


def map_tasks(
    function: Callable[[Task], Value],
    tasks: Sequence[Task],
    *,
    workers: int = 0,
    desc: str = "tasks",
    unit: str = "tasks",
    engine: str = "local",
    address: str | None = None,
    silent: bool = False,
) -> Iterator[Outcome[Task, Value]]:
    """Run `function` on every task and yield the outcomes as they finish, in any order.

    A task that raises yields an outcome with its error; the others continue. Only KeyboardInterrupt, a full or
    read-only disk and a dead worker (killed, out of memory) stop all of them.

    Args:
        function: Module-level callable of one picklable task.
        tasks: The tasks.
        workers: Processes; 0 for one per core. Ignored by Ray, which schedules over its cluster.
        desc: Name of the work in the progress line.
        unit: What is counted, plural.
        engine: "local" (spawned processes; in this process where one worker suffices) or "ray".
        address: Ray cluster to join; None starts one on this machine.
        silent: Show and log no progress.

    Raises:
        ValueError: If `engine` is unknown.
        OSError: If the disk is full or cannot be written.
        RuntimeError: If a worker process died, or `engine` is "ray" and Ray is not installed.
    """
    if engine not in ENGINES:
        raise ValueError(
            f"engine must be one of {', '.join(ENGINES)}; got {engine!r}. Fix execution.engine in params.yaml."
        )
    workers = min(workers or os.cpu_count() or 1, max(len(tasks), 1))
    if engine == "ray":
        from deepfake_adv.execution.on_ray import outcomes_on_ray  # Ray is an optional extra

        outcomes = outcomes_on_ray(guarded, function, tasks, address)
    elif workers == 1:
        outcomes = (guarded(function, task) for task in tasks)
    else:
        outcomes = _outcomes_on_pool(function, tasks, workers)
    yield from progress(outcomes, total=len(tasks), desc=desc, unit=unit, silent=silent)


def remaining(tasks: Sequence[Task], done: Callable[[Task], bool], *, desc: str, unit: str = "videos") -> list[Task]:
    """The tasks that are not done yet; logs how many a killed run has finished.

    Args:
        tasks: All tasks.
        done: Whether a task's result exists.
        desc: As in `map_tasks`.
        unit: As in `map_tasks`.
    """
    left = [task for task in tasks if not done(task)]
    if len(left) < len(tasks):
        logger.info("%s: going on after %d of %d %s", desc, len(tasks) - len(left), len(tasks), unit)
    return left


def note_failure(failures: dict[str, str], name: str, error: str) -> None:
    """Add a failed video, and log the first few: hundreds of lines hide the others.

    Args:
        failures: Errors so far, by video; is changed.
        name: The video.
        error: One sentence.
    """
    failures[name] = error
    if len(failures) <= _SAID:
        logger.warning("%s: %s", name, error)
    elif len(failures) == _SAID + 1:
        logger.warning("more than %d videos fail; if more than allowed do, a file lists them all", _SAID)


def check_failures(
    failures: Mapping[str, str], total: int, allowed: float, *, key: str, listed: Path | None = None
) -> None:
    """Check that no more videos failed than are allowed.

    Args:
        failures: Error of each failed video, in one sentence.
        total: Number of videos.
        allowed: Largest tolerated share of them.
        key: Key of params.yaml for it: "<stage>.<key>".
        listed: File to list all failures in if there are too many.

    Raises:
        ValueError: If more failed; names one of them.
    """
    if len(failures) > allowed * total:
        video, error = next(iter(failures.items()))
        if listed is not None:
            rows = [{"video": name, "error": failures[name]} for name in sorted(failures)]
            write_csv(listed, ("video", "error"), rows)
        where = "" if listed is None else f", which {listed} lists"
        raise ValueError(
            f"at most {allowed:.1%} of the videos may fail in {key.partition('.')[0]}; {len(failures)} of {total} did, "
            f"{video} for one: {error} Fix them{where}, or raise {key}."
        )


def guarded(function: Callable[[Task], Value], task: Task, asked_by: Path = ROOT) -> Outcome[Task, Value]:
    """Run one task; its exception becomes the outcome's error.

    Args:
        function: As in `map_tasks`.
        task: One of its tasks.
        asked_by: Checkout whose code started the task.

    Raises:
        OSError: If the disk is full or cannot be written.
        ValueError: If this process runs another checkout's code.
    """
    check_same(asked_by)
    try:
        return Outcome(task, function(task), None)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_FAULTS:
            # a plain OSError: those of some libraries cannot be pickled
            raise OSError(error.errno, error.strerror or str(error), error.filename) from None
        logger.debug("%s", traceback.format_exc())
        explains = isinstance(error, (ValueError, OSError))  # their messages are complete sentences
        return Outcome(task, None, str(error) if explains else f"{type(error).__name__}: {error}")


def _outcomes_on_pool(
    function: Callable[[Task], Value], tasks: Sequence[Task], workers: int
) -> Iterator[Outcome[Task, Value]]:
    # spawn: OpenCV, PyAV and torch may hang when forked with threads running
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker) as pool:
        futures = [pool.submit(guarded, function, task, ROOT) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            time.sleep(0.5)  # Ctrl-C also kills the workers, maybe before this process receives it: wait for it
            raise RuntimeError(
                f"a worker process must live until its task ends; one of {workers} was killed (often: out of memory). "
                "Lower execution.workers and run the stage again: finished work is kept."
            ) from error
        finally:
            for future in futures:
                future.cancel()


def start_worker() -> None:
    """Set up a worker: one thread for OpenMP and OpenCV, as the pool is the parallelism; Ctrl-C ends it silently.

    If the run ignores Ctrl-C, as in a shell's background, its workers do too. A thread ends a worker whose parent was
    killed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
