"""Logging and progress for stages: configured once, by the stage."""

import logging
import sys
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
    """Pass `items` on with rate and time left: a bar on a terminal, else a log line every 30 s."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=desc, unit=unit, dynamic_ncols=True)
        return
    logger = logging.getLogger(__name__)
    start = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _INTERVAL:
            rate = done / (now - start)
            left = (total - done) / rate
            logger.info("%s: %d of %d %s, %.3g/s, %.0f s left", desc, done, total, unit, rate, left)
            last = now
    logger.info("%s: %d %s in %.1f s", desc, done, unit, time.monotonic() - start)
