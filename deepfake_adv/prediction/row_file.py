"""A file of JSON lines that a call adds its rows to, and that a later call goes on from; one process writes it."""

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from deepfake_adv.files import write_text
from deepfake_adv.prediction.output import Row, to_line

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there
    fcntl = None  # type: ignore[assignment]


class RowFile:
    """Rows on a disk, from the first of them on.

    The file itself is locked while it is open: two processes would lose each other's rows as they start, and write the
    same ones twice.

    Args:
        path: The file; made where there is none.

    Raises:
        ValueError: If another process writes it.
        OSError: If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._open()

    def _open(self) -> IO[str]:
        stream = open(self.path, "a", encoding="utf-8")  # noqa: SIM115  (held until `__exit__`)
        try:
            if fcntl is not None:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.close()
            raise ValueError(
                f"{self.path} must be written by one command at a time; another one writes it. Wait for that, or name "
                "another file."
            ) from error
        return stream

    def keep(self, rows: Iterable[Row]) -> None:
        """Leave these rows of an earlier call alone, atomically; others are added to them then.

        Raises:
            ValueError: If another process came in between.
            OSError: If the disk is full or cannot be written.
        """
        write_text(self.path, "".join(f"{to_line(row)}\n" for row in rows))
        with self._stream:  # the lock of the file that was replaced
            self._stream = self._open()

    def add(self, row: Row) -> None:
        """Add a row; it is on the disk when this returns.

        Raises:
            OSError: If the disk is full or cannot be written.
        """
        self._stream.write(f"{to_line(row)}\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()
