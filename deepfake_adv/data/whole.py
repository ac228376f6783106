"""Faults of parquet files, said in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa


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
