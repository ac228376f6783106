"""How crops were made: what `extract`, `locate` and `crop` were told, carried in the metadata of their parquet files.

Each stage adds its own part and hands on what it was given: frame table and box table to the crop files, these to the
manifests, and those to run.json. So a trained detector knows how its faces were found and cut, and no stage depends on
params of a stage before it.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

Record = dict[str, Any]
"""Parts by name: `frames` (by dataset), `media` (by dataset and quality), `locate`, `crop`; a part that nobody wrote
down is missing."""

REFERENCE: Final = "reference.json"
"""Beside run.json: scores of the detector's validation videos."""

FEATURES: Final = "reference.safetensors"
"""Beside it: features of some of their frames."""

_KEY: Final = b"deepfake_adv"
_GATHERED: Final = ("frames", "media")


def record_metadata(record: Mapping[str, Any]) -> dict[bytes, bytes]:
    """A record as the metadata of an arrow schema; none where it is empty."""
    return {_KEY: json.dumps(record, sort_keys=True).encode()} if record else {}


def record_of(schema: pa.Schema) -> Record:
    """The record in a schema's metadata; empty where there is none, as in files of older versions."""
    record: Record = json.loads((schema.metadata or {}).get(_KEY, b"{}"))
    return record


def read_record(path: Path) -> Record:
    """The record of a parquet file; see `record_of`."""
    return record_of(pq.read_schema(path))


def join_records(records: Iterable[Record]) -> Record:
    """One record of several files: `frames` and `media` of all, and the other parts, where the files agree in them.

    Raises:
        ValueError: If a part differs between the files: crops that were made in two ways are no one training set.
    """
    joined: Record = {}
    given = list(records)
    for name in sorted({name for record in given for name in record}):
        parts = [record[name] for record in given if name in record]
        if name in _GATHERED:
            joined[name] = {key: value for part in parts for key, value in part.items()}
            continue
        if any(part != parts[0] for part in parts):
            other = next(part for part in parts if part != parts[0])
            keys = sorted(key for key in {*parts[0], *other} if parts[0].get(key) != other.get(key))
            raise ValueError(
                f"crops of a tier must be made in one way; got two values of {name}.{f' and {name}.'.join(keys)}. "
                "Run `dvc repro`."
            )
        if len(parts) == len(given):
            joined[name] = parts[0]
    return joined
