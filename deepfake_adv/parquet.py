"""Faults of parquet files, said in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@contextmanager
def whole_file(path: Path, kind: str, again: str) -> Iterator[None]:
    """Read a parquet file inside of this, to have its faults said in one sentence that names it.

    Args:
        path: The file.
        kind: What it must be, such as "crop file".
        again: What makes it anew.

    Raises:
        ValueError: If what pyarrow reads is no parquet file, cut short or damaged.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's own word, such as a denied permission
            raise
        said = str(error).rstrip(".")
        raise ValueError(f"{path} must be a whole {kind}; got: {said}. Delete it and {again}.") from error


def number_rows(columns: pa.Table, *names: str) -> Ints:
    """``(N,)`` a number per distinct tuple of some text columns, in the order in which they first appear."""
    joined = np.zeros(len(columns), np.int64)
    for name in names:
        codes, held = numbered(columns[name])
        joined = joined * (len(held) + 1) + codes + 1
        # numbered anew each time, so that no product of counts outgrows 64 bits
        joined = pa.array(joined).dictionary_encode().indices.to_numpy().astype(np.int64)
    return joined


def distinct(columns: pa.Table, *names: str) -> list[tuple[str, ...]]:
    """The distinct tuples of some text columns, in the order in which they first appear."""
    first = np.unique(number_rows(columns, *names), return_index=True)[1]
    return list(zip(*(texts(columns.take(pa.array(first)), name).tolist() for name in names), strict=True))


def texts(columns: pa.Table, name: str) -> NDArray[Any]:
    """``(N,)`` one text column as an array of objects, None where it is null; equal texts are one object."""
    codes, held = numbered(columns[name])
    return np.array([*held, None], object)[codes]


def numbered(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """``(N,)`` places of a text column's values among the distinct ones, -1 where it is null, and those."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], pa.string()).dictionary_encode()
    return whole.indices.fill_null(-1).to_numpy().astype(np.int64), whole.dictionary.to_pylist()
