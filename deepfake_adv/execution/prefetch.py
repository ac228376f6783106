"""Work done in threads ahead of its use, for functions that release the interpreter lock: codecs and disks."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Value = TypeVar("Value")


def prefetch(function: Callable[[Task], Value], tasks: Iterable[Task], *, workers: int, most: int) -> Iterator[Value]:
    """Yield ``function(task)`` of every task, in order; a task's exception is raised at its place.

    Args:
        function: May be called from several threads at once.
        tasks: Consumed one by one.
        workers: Threads; 0: one per core that this process may use. Never more than `most`.
        most: Results in progress or waiting, which bounds the memory; at least 1.
    """
    assert most >= 1
    with ThreadPoolExecutor(min(workers or available_cores(), most)) as pool:
        waiting: deque[Future[Value]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(function, task))
                if len(waiting) >= most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
