"""Logging and progress of stages: configured once, by the stage."""

import io
import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from tqdm import tqdm

T = TypeVar("T")
_INTERVAL = 30.0  # seconds between two lines of the log
_LINE: Final = "{desc}: {n_fmt} of {total_fmt}{unit}, {rate_fmt}, {elapsed} so far, {remaining} left{postfix}"

logger = logging.getLogger(__name__)


def configure(stage: str, level: int = logging.INFO) -> None:
    """Send the library's log to standard error, each line with the stage's name."""
    logging.basicConfig(level=level, format=f"%(asctime)s {stage}: %(message)s", datefmt="%H:%M:%S", force=True)


class Progress:
    """A progress bar: tqdm's on a terminal; elsewhere tqdm's line in the log every 30 s.

    The line also appears when nothing was finished meanwhile, so that one long video does not look like a hang.

    Args:
        total: Items to do.
        desc: What is worked on.
        unit: What is counted, plural.
        initial: Items that an earlier run has done.
        silent: Show and log nothing; for ranks other than 0.
    """

    def __init__(self, *, total: int, desc: str, unit: str, initial: int = 0, silent: bool = False) -> None:
        terminal = sys.stderr.isatty()
        options: dict[str, Any] = {"dynamic_ncols": True} if terminal else {"file": io.StringIO(), "bar_format": _LINE}
        self._bar: tqdm[Any] = tqdm(total=total, desc=desc, unit=f" {unit}", initial=initial, disable=silent, **options)
        self._silent = silent
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        if not terminal and not silent:
            self._thread = threading.Thread(target=self._log_regularly, name="progress", daemon=True)
            self._thread.start()

    def _log_regularly(self) -> None:
        while not self._closed.wait(_INTERVAL):
            logger.info("%s", self._bar)

    def update(self, count: int = 1, note: str = "") -> None:
        """Count items as done; `note` is shown at the end of the line."""
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(count)

    def log(self, message: str) -> None:
        """Log a line that stays above the bar."""
        if not self._silent:
            self._bar.clear()
            logger.info("%s", message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._bar.close()


def progress(items: Iterable[T], *, total: int, desc: str, unit: str = "items", silent: bool = False) -> Iterator[T]:
    """Pass `items` on while a `Progress` counts them; arguments as there."""
    start, done = time.monotonic(), 0
    with Progress(total=total, desc=desc, unit=unit, silent=silent) as shown:
        for item in items:
            yield item
            shown.update()
            done += 1
    if not silent and not sys.stderr.isatty():
        logger.info("%s: %d %s in %.1f s", desc, done, unit, time.monotonic() - start)
