"""Detectors of a run that were trained before: params that add a seed or a condition train that one alone."""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from deepfake_adv.files import read_json_object
from deepfake_adv.training.checkpoint import differences

logger = logging.getLogger(__name__)

RECORD = "run.json"


class Earlier(Protocol):
    """The output that the run left before, with files by their paths in it; see `execution.dvc_outputs.Recorded`."""

    def files(self) -> Mapping[str, str]:
        """Paths of its files, and a digest of each."""

    def copy(self, folder: str, target: Path) -> bool:
        """Copy the files below one of its folders; whether that went well."""


def take_over(earlier: Earlier, expected: Mapping[str, Mapping[str, Any]], scratch: Path) -> list[str]:
    """Put detectors that were trained before into the scratch folder.

    A detector is taken over if its run.json says that it was trained by the same code, from the same params, data and
    weight files. If the output has just the detectors that are wanted, none is: DVC then runs the stage since someone
    wants it trained again (`dvc repro --force`).

    Args:
        earlier: What the run left before.
        expected: Entries that run.json must have, by folder of the detector: <condition>/seed<k>.
        scratch: Folder of the run's unfinished work.

    Returns:
        Folders that were taken over.
    """
    present = {path.removesuffix(f"/{RECORD}") for path in earlier.files() if path.endswith(f"/{RECORD}")}
    if present == set(expected):
        return []
    return [
        folder
        for folder in expected
        if folder in present and not (scratch / folder / RECORD).exists() and _taken(earlier, folder, expected, scratch)
    ]


def _taken(earlier: Earlier, folder: str, expected: Mapping[str, Mapping[str, Any]], scratch: Path) -> bool:
    beside = scratch / ".earlier"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        if not earlier.copy(folder, beside):
            return False
        record = read_json_object(beside / RECORD, {})
        wanted = json.loads(json.dumps(expected[folder]))
        if differing := differences({name: record.get(name) for name in wanted}, wanted):
            logger.info("%s is trained again: %s changed", folder, ", ".join(differing))
            return False
        target = scratch / folder
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.rename(target)
    except ValueError as fault:
        logger.warning("%s is trained again: %s", folder, fault)
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    logger.info("%s was trained before and is kept", folder)
    return True


def drop_others(scratch: Path, wanted: Sequence[str]) -> None:
    """Delete detectors that params no longer name from a scratch folder, which serves every condition and seed."""
    for path in sorted(scratch.glob("*/seed*")):
        if path.relative_to(scratch).as_posix() not in wanted:
            shutil.rmtree(path)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
