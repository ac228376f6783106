"""Outputs of runs, parts and tiers that params no longer name: deleted if DVC can restore them, else only logged.

A stage that reads all runs depends on their common folder. The output of a removed run would stay in dvc.lock forever,
and a fresh clone, which lacks it, would differ.
"""

import hashlib
import logging
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

logger = logging.getLogger(__name__)

_NAMED = re.compile(r"\$\{([\w.]+)\}")
_SHOWN = 5


def clear_leftovers(root: Path, params: Mapping[str, Any]) -> list[Path]:
    """Delete outputs of items that params no longer name, and log them in one line.

    An output is deleted only if it is unchanged since DVC wrote it: for outputs in DVC's cache its
    record of links shows this, for files in git an entry of dvc.lock with the same hash. All of them can be restored.

    Args:
        root: Folder of the project, with dvc.yaml.
        params: Content of params.yaml.

    Returns:
        The deleted paths.
    """
    stages = _yaml(root / "dvc.yaml").get("stages", {})
    found = strangers(root, stages, params)
    if not found:
        return []  # importing DVC takes a second
    ours = _linked(root, found) | _locked(root, found)
    for path in sorted(ours):
        _remove(path, root)
    if ours:
        logger.info("deleted what params.yaml no longer names: %s", _shown(ours, root))
    others = [path for path in found if path not in ours]
    if others:
        logger.info("kept, since neither params.yaml nor DVC knows it: %s", _shown(others, root))
    return sorted(ours)


def strangers(root: Path, stages: Mapping[str, Any], params: Mapping[str, Any]) -> list[Path]:
    """Output paths of foreach stages that belong to none of the present items.

    Args:
        root: Of the project.
        stages: Of dvc.yaml.
        params: Content of params.yaml.
    """
    expected: set[Path] = set()
    patterns: set[str] = set()
    for stage in stages.values():
        if "foreach" not in stage:
            continue
        for output in _outputs(stage["do"]):
            patterns.add(_NAMED.sub("*", output))
            expected |= {root / _fill(output, known) for known in _items(stage, params)}
    places = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path for path in places - expected if not path.name.startswith("."))


def commands(root: Path, params: Mapping[str, Any]) -> list[list[str]]:
    """Words of every command of dvc.yaml under these params; one command per item of a foreach stage."""
    found = []
    for stage in _yaml(root / "dvc.yaml").get("stages", {}).values():
        each = _items(stage, params) if "foreach" in stage else [dict(params)]
        found += [_fill(stage.get("do", stage)["cmd"], known).split() for known in each]
    return found


def _outputs(stage: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("outs", "metrics", "plots"):
        for output in stage.get(kind, []):
            yield output if isinstance(output, str) else next(iter(output))


def _items(stage: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Values of the names within ``${}``, for each item."""
    found = _NAMED.fullmatch(str(stage["foreach"]))
    items = _lookup(params, found[1].split(".")) if found else stage["foreach"]
    named = items.items() if isinstance(items, Mapping) else enumerate(items or [])
    for key, item in named:
        yield {**params, "key": key, "item": item}


def _fill(template: str, known: Mapping[str, Any]) -> str:
    return _NAMED.sub(lambda name: _written(_lookup(known, name[1].split("."))), template)


def _written(value: Any) -> str:
    """As DVC writes it: a section as its keys and values."""
    return " ".join(f"--{key} {each}" for key, each in value.items()) if isinstance(value, Mapping) else str(value)


def _lookup(value: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        value = value[key] if isinstance(value, Mapping) else None
    return value


def _linked(root: Path, places: Iterable[Path]) -> set[Path]:
    """Those that DVC linked from its cache and that are unchanged."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        top = Path(repo.root_dir)
        kept = {str(top / path.relative_to(root)): path for path in places}
        unused = {str(top / name) for name in repo.state.get_unused_links([], repo.fs)}
        return {path for name, path in kept.items() if name in unused}


def _locked(root: Path, places: Iterable[Path]) -> set[Path]:
    """Files that are outputs in dvc.lock with their present hash."""
    outputs = [out for stage in _yaml(root / "dvc.lock").get("stages", {}).values() for out in stage.get("outs", [])]
    known = {(root / out["path"], out.get("md5")) for out in outputs}
    return {path for path in places if path.is_file() and (path, _md5(path)) in known}


def _md5(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()  # DVC's hash; not for security


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.exists() else {}
    except YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _remove(path: Path, root: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    parent = path.parent
    while parent != root and not any(parent.iterdir()):
        parent.rmdir()
        parent = parent.parent


def _shown(paths: Iterable[Path], root: Path) -> str:
    names = [path.relative_to(root).as_posix() for path in sorted(paths)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
