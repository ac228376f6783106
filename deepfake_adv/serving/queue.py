"""Files wait for the worker in the order in which they came, and each is told how far it is."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from deepfake_adv.serving.limits import ServeLimits
from deepfake_adv.serving.worker import ScoringProcess

logger = logging.getLogger(__name__)

TICK: Final = 0.5  # seconds between two messages: also how soon a client that is gone is noticed

Event = dict[str, Any]


class Queue:
    """The files that wait for one worker.

    Args:
        worker: What scores them.
        score: Module-level callable of a path and a name; see `score_upload`.
        progress: Name of the file beside the upload in which `score` says how far it is.
        limits: Of the server.
    """

    def __init__(
        self, worker: ScoringProcess, score: Callable[[Path, str], dict[str, Any]], progress: str, limits: ServeLimits
    ) -> None:
        self._worker, self._score, self._progress, self._limits = worker, score, progress, limits
        self._turn = asyncio.Lock()  # first come, first served
        self._line: list[Path] = []

    async def events(self, path: Path, name: str) -> AsyncGenerator[Event, None]:
        """What happens to one file, a message each half second, and last its result or error.

        Messages have a `state`: queued (with `place`, from 1), scoring (`done` and `total` frames), scored (`row` and
        `page`), failed (`error`, and `row` where there is one). Closing the iterator takes the file out of the queue,
        and ends its scoring.
        """
        self._line.append(path)
        task = asyncio.create_task(self._carry_out(path, name))
        try:
            while not task.done():
                if path in self._line:
                    yield {"state": "queued", "place": self._line.index(path) + 1}
                else:
                    yield {"state": "scoring", **self._read(path)}
                await asyncio.wait({task}, timeout=TICK)
            yield task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if path in self._line:
                self._line.remove(path)

    async def _carry_out(self, path: Path, name: str) -> Event:
        async with self._turn:
            self._line.remove(path)
            try:
                found = await self._worker.run(self._score, path, name, seconds=self._limits.score_seconds)
            except TimeoutError:
                limit = f"{self._limits.score_seconds:g} s"
                return _failed(f"{name} must be scored within {limit}; it took longer. Cut it and try again.")
            except (RuntimeError, ValueError, OSError) as error:
                logger.error("%s: %s", type(error).__name__, error)
                return _failed(f"{name} could not be scored: {error}")
        if found["page"]:
            return {"state": "scored", **found}
        return {**_failed(found["row"]["error"]), "row": found["row"]}

    def _read(self, path: Path) -> Event:
        try:
            done, total = map(int, (path.parent / self._progress).read_text().split())
        except (OSError, ValueError):
            return {"done": 0, "total": 0}
        return {"done": done, "total": total}


def _failed(error: str) -> Event:
    return {"state": "failed", "error": error}
