"""Memory that this process may still use: of the machine, of its control groups, as one of several jobs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

JOBS: Final = "DEEPFAKE_ADV_JOBS"
"""Environment variable with the number of jobs that this machine runs side by side; set for those of train-all."""

_LIMITS: Final = ("memory.max", "memory.limit_in_bytes")  # control groups of version 2 and 1
_USED: Final = ("memory.current", "memory.usage_in_bytes")
_CACHED: Final = ("inactive_file", "total_inactive_file")  # of memory.stat; freed under memory pressure


class Memory(NamedTuple):
    """Bytes of main memory: total, and available with file caches counted as available."""

    total: int
    available: int


def memory_of_job(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> Memory | None:
    """Memory of one job: its share of the total, and never more than is available now.

    Other jobs may start at the same moment and see the same available memory; the share bounds each of them.

    Args:
        proc: Linux's folder /proc.
        cgroups: Where control groups are mounted.

    Returns:
        The least of machine and control groups; None on a system without this information.
    """
    known = [*_machine(proc), *_groups(proc, cgroups)]
    if not known:
        return None
    total, available = (min(values) for values in zip(*known, strict=True))
    share = total // max(_number(os.environ.get(JOBS)) or 1, 1)
    return Memory(share, min(share, available))


def _machine(proc: Path) -> Iterator[Memory]:
    try:
        lines = (proc / "meminfo").read_text(encoding="utf-8").splitlines()
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        yield Memory(kilobytes["MemTotal"] << 10, kilobytes["MemAvailable"] << 10)
    except (OSError, KeyError, ValueError, IndexError):  # not Linux
        return


def _groups(proc: Path, cgroups: Path) -> Iterator[Memory]:
    """Each control group with a limit that this process is in, up to the root."""
    try:
        entries = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for _, controllers, name in (entry.split(":", 2) for entry in entries if entry.count(":") >= 2):
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = cgroups / "memory" if controllers else cgroups
        folder = mount / name.lstrip("/")
        # in a container the own group is often mounted as the root
        for place in dict.fromkeys([folder, *folder.parents, mount]):
            if place.is_relative_to(mount) and (found := _group(place)):
                yield found


def _group(folder: Path) -> Memory | None:
    limit, used = (_first(folder, names) for names in (_LIMITS, _USED))
    if limit is None or used is None:  # "max", or no such group
        return None
    try:
        lines = (line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        told = {line[0]: int(line[1]) for line in lines if len(line) == 2}
    except (OSError, ValueError):
        told = {}
    cached = max(told.get(name, 0) for name in _CACHED)
    return Memory(limit, max(limit - used + cached, 0))


def _first(folder: Path, names: tuple[str, str]) -> int | None:
    for name in names:
        try:
            return _number((folder / name).read_text(encoding="utf-8"))
        except OSError:
            continue
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
