"""Files outside the pipeline that params name (weights, templates, clips, images): a changed file reruns its stages."""

import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from deepfake_adv.files import file_fingerprint, fingerprint, read_json, read_json_object, sha256, write_json

logger = logging.getLogger(__name__)

KEYS: Final = ("weights", "templates", "folder")
"""Keys of params whose value may be a path."""

PACKAGE: Final = "package"
"""Value of `weights` for weights from Python packages."""
WEIGHTS: Final = "detector.safetensors"
"""The weights in a run's folder, <run>/<condition>/seed<k>."""
EXPORTED: Final = "model.safetensors"
"""The weights in a folder that `export` made, or that came from a model hub."""

_CACHE: Final = Path("work/inputs.json")


def paths_named(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Path]:
    """Dotted key -> path, of every path in a nested entry of params.

    Two kinds of `weights` are left out, since their names decide their content: a folder that is no run's is the hub's
    cache, and "package" stands for files whose digests are in the code.
    """
    found: dict[str, Path] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping):
            found |= paths_named(value, f"{prefix}{key}.")
        elif key in KEYS and isinstance(value, str) and not (key == "weights" and _fixed(value)):
            found[f"{prefix}{key}"] = Path(value)
    return found


def _fixed(weights: str) -> bool:
    return weights == PACKAGE or (Path(weights).is_dir() and weights_in(Path(weights)) is None)


def weights_in(folder: Path) -> Path | None:
    """The weights in the folder of a trained or exported detector; None in other folders."""
    return next((folder / name for name in (WEIGHTS, EXPORTED) if (folder / name).is_file()), None)


class DigestCache:
    """Digests of this machine's files, so that an unchanged file is not read again.

    Args:
        path: File of the cache; it may be deleted.
    """

    def __init__(self, path: Path = _CACHE) -> None:
        self._path = path
        try:
            self._known = read_json_object(path, {}) if path.exists() else {}
        except ValueError:
            self._known = {}
        self._used: dict[str, Any] = {}

    def digest(self, path: Path) -> str:
        """SHA-256 of a file, or of a run's weights; for another folder, a digest of the names and fingerprints of its
        files, without hidden ones.
        """
        if (weights := weights_in(path)) is not None:
            return self._of(weights, sha256)
        if not path.is_dir():
            return self._of(path, sha256)
        files = sorted(each for each in path.rglob("[!.]*") if each.is_file())
        return fingerprint([[each.relative_to(path).as_posix(), self._of(each, file_fingerprint)] for each in files])

    def _of(self, path: Path, digest: Any) -> str:
        status = path.stat()
        stamp = [digest.__name__, status.st_size, status.st_mtime_ns, status.st_ino]
        name = str(path.absolute())
        old = self._known.get(name)
        if not (isinstance(old, list) and old[:-1] == stamp):
            old = [*stamp, digest(path)]
        self._used[name] = old
        return str(old[-1])

    def save(self) -> None:
        """Write the digests that were used."""
        write_json(self._path, self._used)


def record_inputs(
    entries: Mapping[str, Mapping[str, Any]],
    folder: Path,
    *,
    values: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    cache: Path = _CACHE,
) -> None:
    """Write ``<name>.json`` for each entry: key in params -> name and digest of the file there; drop others' files.

    A missing file keeps the digest of an earlier record of the same name, so that a clone with the results but without
    the weights can continue.

    Args:
        entries: Name -> nested part of params. A name may hold slashes.
        folder: Folder of the records.
        values: Name -> what its record holds besides, as it is: optional keys of params, which DVC cannot track.
        cache: Where digests are kept between runs.

    Raises:
        FileNotFoundError: If a file is missing and has no earlier record; names every one.
    """
    known, faults = DigestCache(cache), []
    names = dict.fromkeys([*entries, *values])
    wanted = {folder / f"{name}.json": (entries.get(name, {}), values.get(name, {})) for name in names}
    for path, (entry, beside) in wanted.items():
        earlier = _earlier(path)
        record: dict[str, Any] = dict(beside)
        for key, place in paths_named(entry).items():
            old = earlier.get(key)
            if place.exists():
                record[key] = {"name": place.name, "digest": known.digest(place)}
            elif isinstance(old, dict) and old.get("name") == place.name:
                logger.warning("%s: %s is missing; results made from it are kept", key, place)
                record[key] = old
            else:
                faults.append(f"{key} ({path.stem})  {place}")
        if not path.exists() or earlier != record:
            write_json(path, record)
    for path in folder.rglob("*.json"):
        if path not in wanted:
            path.unlink()
    known.save()
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise FileNotFoundError(
            f"files that params.yaml names must exist; found nothing at these paths. Fix the paths:\n{listed}"
        )


def unchanged(
    record: Path, entry: Mapping[str, Any], values: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, str]:
    """Digest of each file that an entry names, checked against the record of this `dvc repro`.

    Args:
        record: The record.
        entry: Nested part of params.
        values: What the record must hold besides; an empty value may be missing there.

    Raises:
        FileNotFoundError: If there is no record.
        ValueError: If a file is missing, or it or a value differs from the record.
    """
    recorded = read_json(record)
    for key, value in values.items():
        if recorded.get(key, type(value)()) != value:
            raise ValueError(
                f"{key} must be what {record} records, {recorded.get(key)}; got {value}. Run `dvc repro` again: it "
                "records params first."
            )
    known, found = DigestCache(Path("work/no-cache")), {}
    for key, path in paths_named(entry).items():
        expected = recorded.get(key, {}).get("digest")
        found[key] = known.digest(path) if path.exists() else "nothing"
        if found[key] != expected:
            raise ValueError(
                f"{key} must be the file that {record} records ({expected!s:.12}…); got {found[key]:.12} at {path}. "
                "Run `dvc repro` again: it reads the file again."
            )
    return found


def _earlier(path: Path) -> dict[str, Any]:
    try:
        return read_json_object(path, {}) if path.exists() else {}
    except ValueError as error:
        logger.warning("%s; it is written again", error)
        return {}
