"""Looks into many files by several processes, also where one of the files kills the process that reads it."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from deepfake_adv.execution.pool import Outcome, guarded, map_tasks, start_worker
from deepfake_adv.prediction.people import LookTask, Seen, look_into_file


def look_into_files(tasks: Sequence[LookTask], *, workers: int, silent: bool) -> Iterator[Outcome[LookTask, Seen]]:
    """What `look_into_file` makes of each file, as they finish.

    A process that is killed, out of memory or by a decoder's fault, says nothing of its file. So the files that were
    being read are read again, each by a process of its own, and the others go on. With one worker, which is this
    process, nothing can be done.

    Args:
        tasks: The files, each once.
        workers: See `map_tasks`.
        silent: See `map_tasks`.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    waiting = {task.path: task for task in tasks}
    while waiting:
        try:
            for outcome in map_tasks(
                look_into_file, list(waiting.values()), workers=workers, desc="predict", unit="files", silent=silent
            ):
                del waiting[outcome.task.path]
                yield outcome
        except RuntimeError as error:
            if not isinstance(error.__cause__, BrokenProcessPool):
                raise
            being_read = list(waiting.values())[: 2 * (workers or os.cpu_count() or 1)]  # begun in this order
            for task in being_read:
                del waiting[task.path]
                yield _alone(task)


def _alone(task: LookTask) -> Outcome[LookTask, Seen]:
    """One file, by a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=start_worker) as pool:
        try:
            return pool.submit(guarded, look_into_file, task).result()
        except BrokenProcessPool:
            problem = "must be a file that can be read; the process that read it was killed (often: out of memory)"
            return Outcome(task, None, f"{task.path} {problem}. Leave it out, or convert or shrink it.")
