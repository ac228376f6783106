"""What a run logs of each epoch: log.csv, and DVCLive where params ask for it."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfake_adv.files import write_csv

logger = logging.getLogger(__name__)


def write_log(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all epochs so far as CSV, atomically; columns in the order of their first appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(path, columns, rows)


class LiveLog:
    """The same rows in DVCLive.

    DVCLive appends to its files, so a killed run may have logged more epochs than its checkpoint has. Its folder is
    therefore deleted and written again from the checkpoint's rows. DVCLive refuses a repository without a commit;
    training then continues with log.csv only.

    Args:
        folder: DVCLive's folder.
        rows: Epochs that are done.
    """

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        from dvclive.live import Live  # takes 0.7 s to import, and is optional

        shutil.rmtree(folder, ignore_errors=True)
        # no experiment and no dvc.yaml: the stage's own dvc.yaml tracks the run
        self._live: Live | None = None
        try:
            self._live = Live(str(folder), save_dvc_exp=False, dvcyaml=None)
        except Exception as error:
            logger.warning("DVCLive cannot start (%s); only log.csv is written", error)
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
        """Close DVCLive's files."""
        if self._live is not None:
            self._live.end()
