"""One parquet file per finished task of a stage, in its scratch folder, so that a killed run does not repeat tasks."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path


class TaskFiles:
    """Files of finished tasks, numbered in the order in which the stage joins them at its end.

    Args:
        folder: Their folder; made if it is missing.
        names: Names of all tasks, such as video ids, in order.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._numbers = {name: number for number, name in enumerate(names)}
        assert len(self._numbers) == len(names)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Path of the file that the task of that name writes."""
        return self._folder / f"{self._numbers[name]:06d}.parquet"

    def paths(self) -> Iterator[Path]:
        """Paths of all files that exist, in order."""
        return (path for path in map(self.path, self._numbers) if path.exists())

    def remove(self) -> None:
        """Delete all files."""
        shutil.rmtree(self._folder, ignore_errors=True)
