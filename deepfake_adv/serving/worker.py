"""One process that scores one file at a time, and is ended where a file takes too long or its client is gone."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, Final, TypeVar

from deepfake_adv.execution.pool import start_worker

T = TypeVar("T")

DIED: Final = "the worker must live until the file is scored; it was killed (often: out of memory). Try a smaller file."


class ScoringProcess:
    """A spawned process that keeps a detector loaded.

    The standard library's pool of one process: what it lacks, ending a task that runs, is done by ending the process;
    the next task starts another. Pebble's pool can end a task, but breaks for good if its only process dies between
    two tasks.

    Args:
        prepare: Module-level callable that loads the detector in the process, and says what it is.
        arguments: Its arguments.
    """

    def __init__(self, prepare: Callable[..., T], *arguments: Any) -> None:
        self._prepare, self._arguments = prepare, arguments
        self._pool: ProcessPoolExecutor | None = None
        self._process = 0
        self.about: Any = None

    async def start(self) -> Any:
        """Start the process and load the detector, if that has not been done; gives what `prepare` said.

        Raises:
            ValueError: Or another error of `prepare`.
            RuntimeError: If the process died.
        """
        if self._pool is None:
            # spawn: OpenCV, PyAV and torch may hang when forked with threads running
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=start_worker)
            try:
                self._process = await self._submit(os.getpid)
                self.about = await self._submit(self._prepare, *self._arguments)
            except BaseException:
                self.end()
                raise
        return self.about

    async def run(self, function: Callable[..., T], *arguments: Any, seconds: float) -> T:
        """Run one task; if it takes too long or this call is cancelled, its process is killed.

        Args:
            function: Module-level callable.
            arguments: Of it; they can be pickled.
            seconds: Limit.

        Raises:
            TimeoutError: If it took longer.
            RuntimeError: If its process died.
        """
        await self.start()
        try:
            async with asyncio.timeout(seconds):
                return await self._submit(function, *arguments)
        except (TimeoutError, asyncio.CancelledError):
            self.end()
            raise

    async def _submit(self, function: Callable[..., T], *arguments: Any) -> T:
        assert self._pool is not None
        try:
            return await asyncio.wrap_future(self._pool.submit(function, *arguments))
        except BrokenProcessPool as error:
            self.end()
            raise RuntimeError(DIED) from error

    def end(self) -> None:
        """Kill the process at once, if there is one."""
        pool, process = self._pool, self._process
        self._pool, self._process = None, 0
        if pool is None:
            return
        if process:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        pool.shutdown(wait=False, cancel_futures=True)
