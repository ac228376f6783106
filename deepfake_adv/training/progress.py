"""Where a run stands: one line on a terminal, a log line now and then elsewhere; log.csv and DVCLive."""

import logging
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from deepfake_adv.files import write_csv

logger = logging.getLogger(__name__)

_REFRESH, _LOG = 0.2, 30.0


class Meter:
    """Says epoch, step, loss, images/s and time left.

    Args:
        name: What trains.
        epochs: Planned.
        steps: Per epoch.
        stream: Terminal to write to.
        silent: Say nothing, on ranks other than 0.
    """

    def __init__(
        self, name: str, epochs: int, steps: int, *, stream: TextIO | None = None, silent: bool = False
    ) -> None:
        self.name, self.epochs, self.steps, self.silent = name, epochs, steps, silent
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self._start = self._last = time.monotonic()
        self._done = self._images = 0

    def update(self, epoch: int, step: int, images: int, loss: float) -> None:
        """Count a step; `epoch` and `step` from 0, `images` trained on in it."""
        self._done += 1
        self._images += images
        now = time.monotonic()
        if self.silent or now - self._last < (_REFRESH if self.terminal else _LOG):
            return
        self._last = now
        line = self.line(epoch, step, loss, now - self._start)
        if self.terminal:
            self.stream.write(f"\r\x1b[K{line}")
            self.stream.flush()
        else:
            logger.info(line)

    def line(self, epoch: int, step: int, loss: float, seconds: float) -> str:
        """The line after `seconds` of work."""
        left = (self.epochs * self.steps - epoch * self.steps - step - 1) * seconds / max(self._done, 1)
        return (
            f"{self.name}: epoch {epoch + 1}/{self.epochs}, step {step + 1}/{self.steps}, loss {loss:.4f}, "
            f"{self._images / max(seconds, 1e-9):.0f} images/s, {_clock(left)} left"
        )

    def say(self, line: str) -> None:
        """Log a line that stays."""
        if self.silent:
            return
        if self.terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
        logger.info(line)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def write_log(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all epochs so far as CSV, atomically; columns in the order in which they came up."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(path, columns, rows)


class LiveLog:
    """The same rows through DVCLive, begun anew from the rows of a checkpoint.

    A repository without a commit, which DVCLive refuses, costs this log and no training: log.csv has the rows.

    DVCLive appends while it runs, so a killed run may have written past its checkpoint; replaying the
    checkpoint's rows drops what was ahead of it.

    Args:
        folder: DVCLive's folder.
        rows: Epochs that are done.
    """

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        from dvclive import Live  # 0.7 s, and only where params ask for it

        shutil.rmtree(folder, ignore_errors=True)
        # neither experiments nor a dvc.yaml of its own: the stage is DVC's business
        self._live: Live | None = None
        try:
            self._live = Live(str(folder), save_dvc_exp=False, dvcyaml=None)
        except Exception as error:
            logger.warning("DVCLive cannot start (%s): log.csv alone is written", error)
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """Log one epoch."""
        if self._live is None:
            return
        self._live.step = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self._live.log_metric(name, value)
        self._live.make_summary()

    def close(self) -> None:
        """End the log."""
        if self._live is not None:
            self._live.end()
