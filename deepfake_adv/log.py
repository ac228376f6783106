"""Logging and progress for stages: configured once, by the stage."""

import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
_INTERVAL = 30.0


def configure(stage: str, level: int = logging.INFO) -> None:
    """Send the library's log to standard error, each line with the stage's name."""
    logging.basicConfig(level=level, format=f"%(asctime)s {stage}: %(message)s", datefmt="%H:%M:%S", force=True)


def progress(items: Iterable[T], *, total: int, desc: str, unit: str = "it") -> Iterator[T]:
    """Pass `items` on with rate and time left: a bar on a terminal, else a log line every 30 s.

    A line comes also where nothing was done meanwhile: one long video is no reason for silence.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=desc, unit=unit, dynamic_ncols=True)
        return
    logger = logging.getLogger(__name__)
    start = time.monotonic()
    done, over = 0, threading.Event()

    def say() -> None:
        while not over.wait(_INTERVAL):
            spent = time.monotonic() - start
            rate = done / spent
            left = f"{(total - done) / rate:.0f} s left" if done else f"{spent:.0f} s so far"
            logger.info("%s: %d of %d %s, %.3g/s, %s", desc, done, total, unit, rate, left)

    speaker = threading.Thread(target=say, daemon=True)
    speaker.start()
    try:
        for item in items:
            yield item
            done += 1
    finally:
        over.set()
        speaker.join()
    logger.info("%s: %d %s in %.1f s", desc, done, unit, time.monotonic() - start)
