"""Runs stages as `dvc repro -s` does, except that dvc.lock is written once for many of them.

DVC writes all of dvc.lock after every stage, and holds its lock meanwhile. For the paper's 330 stages this takes
seconds of CPU time, in which no other run can begin or end. Here each stage writes its own entry, as DVC made it, to a
file, and `record` adds all these entries to dvc.lock. A kill in between loses nothing: the entry
stays for the next `record`, and DVC's run cache has the outputs, so that a plain `dvc repro` restores them.

Run as ``python -m deepfake_adv.execution.dvc_batch STAGE [STAGE ...]``.
"""

import json
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from deepfake_adv.execution.dvc_lock import LOCK
from deepfake_adv.execution.parent import end_with_parent
from deepfake_adv.files import atomic_write, fingerprint, write_text

ENTRIES: Final = Path(".dvc/tmp/train-all")
PATIENCE: Final = 20.0
"""Seconds that a stage waits for one that holds its files: a run whose machine was lost ends by itself in less."""


def reproduce(stages: Sequence[str]) -> None:
    """Reproduce single stages of this project in order, waiting for DVC's locks; their entries go to `ENTRIES`.

    Raises:
        dvc.exceptions.DvcException: If one fails, or another process holds its files for longer than `PATIENCE`; those
            after it do not run.
    """
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.stage.serialize import to_lockfile

    def carry_out(stage: Any, **options: Any) -> Any:
        before = entry_of(stage.name)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                done = stage.reproduce(**options)
                break
            except LockError:  # before anything ran
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        if done is not None:
            left = {"stage": stage.name, "before": fingerprint(before), "entry": to_lockfile(stage)[stage.name]}
            # not sorted: DVC's order of keys is that of dvc.lock
            write_text(ENTRIES / f"{stage.name}.json", json.dumps(left, ensure_ascii=False))
        return done

    with Repo(".", _wait_for_lock=True) as repo:
        repo.reproduce(stages, single_item=True, repro_fn=carry_out)


def entry_of(stage: str) -> Any:
    """What dvc.lock records of a stage; None for nothing.

    Its lines alone are parsed: to parse the whole again takes more than DVC does for the stage.
    """
    from dvc.utils.serialize import parse_yaml

    lines = LOCK.read_text(encoding="utf-8").splitlines(keepends=True) if LOCK.exists() else []
    starts = [number for number, line in enumerate(lines) if line[:2] == "  " and line[2:3] not in (" ", "-", "#", "")]
    for start, end in pairwise([*starts, len(lines)]):
        if stage in lines[start]:
            found = parse_yaml("".join(lines[start:end]), LOCK)
            if stage in found:
                return found[stage]
    return None


def record() -> int:
    """Put the entries of `ENTRIES` to dvc.lock in one atomic write; returns their number.

    An entry is dropped if dvc.lock was given another entry for that stage after the stage began.
    """
    found = sorted(ENTRIES.glob("[!.]*.json"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        return 0
    from dvc.repo import Repo
    from dvc.utils.serialize import dumps_yaml, parse_yaml

    with Repo(".", _wait_for_lock=True) as repo, repo.lock:
        content: dict[str, Any] = {"schema": "2.0"}
        if LOCK.exists():
            content = parse_yaml(LOCK.read_text(encoding="utf-8"), LOCK)
        known = content.setdefault("stages", {})
        lefts = [json.loads(path.read_text(encoding="utf-8")) for path in found]
        taken = {
            left["stage"]: left["entry"] for left in lefts if fingerprint(known.get(left["stage"])) == left["before"]
        }
        if taken:
            known.update(taken)
            with atomic_write(LOCK) as temporary:
                temporary.write_text(dumps_yaml(content), encoding="utf-8", newline="\n")
    for path in found:
        path.unlink()
    return len(taken)


if __name__ == "__main__":
    from dvc.exceptions import DvcException  # here, since importing DVC configures its logging

    end_with_parent("stops, since train-all has ended; finished work is kept")
    try:
        reproduce(sys.argv[1:])
    except DvcException as error:
        sys.exit(f"{error}")
