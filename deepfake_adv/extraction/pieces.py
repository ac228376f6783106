"""Pieces of a stage's output in its scratch folder: one parquet file per video, put together at the end."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class Pieces:
    """Files of finished pieces, numbered in the order in which they are put together.

    Args:
        folder: Where they lie.
        names: What they stand for, such as video ids, in order.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._numbers = {name: number for number, name in enumerate(names)}
        assert len(self._numbers) == len(names)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Where the piece of that name lies, or shall lie."""
        return self._folder / f"{self._numbers[name]:06d}.parquet"

    def paths(self) -> Iterator[Path]:
        """All pieces that are there, in order."""
        return (path for path in map(self.path, self._numbers) if path.exists())

    def tables(self, columns: Sequence[str], *, at_least: int) -> Iterator[pa.Table]:
        """The pieces' rows in order, in tables of a multiple of `at_least` rows but for the last."""
        return gather(self.paths(), columns, at_least=at_least)

    def remove(self) -> None:
        """Delete all pieces."""
        shutil.rmtree(self._folder, ignore_errors=True)


def gather(paths: Iterable[Path], columns: Sequence[str] | None, *, at_least: int) -> Iterator[pa.Table]:
    """Rows of parquet files in order, in tables of a multiple of `at_least` rows but for the last."""
    held: list[pa.Table] = []
    count = 0
    for path in paths:
        table = pq.read_table(path, columns=None if columns is None else list(columns), use_threads=False)
        held.append(table)
        count += len(table)
        if count >= at_least:
            joined = pa.concat_tables(held)
            whole = count // at_least * at_least
            yield joined.slice(0, whole)
            held, count = [joined.slice(whole)], count - whole
    if count:
        yield pa.concat_tables(held)
