"""What the benchmarks share: interleaved timing, medians, machine facts, tables and result files."""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
VIDEO_PACKAGES = ("av", "opencv-python-headless", "dlib-bin", "numpy", "pyarrow", "pillow", "lmdb", "webdataset")


def interleave(
    functions: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    warmups: int = 1,
    budget_s: float | None = None,
    primed: bool = False,
    synchronise: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Time functions in turns, so that a busy moment of the machine meets all of them, and return medians in s.

    Args:
        functions: Name to function.
        repeats: Turns at most; at least one is run.
        warmups: Turns that are not counted.
        budget_s: Wall time after which no new turn begins; None: no limit.
        primed: Call each function once untimed before its turn: one that follows a function of gigabytes
            would pay for the memory that the other gave back.
        synchronise: Called before each clock reading; waits for a device.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    start = time.perf_counter()
    for turn in range(warmups + repeats):
        if turn > warmups and budget_s is not None and time.perf_counter() - start > budget_s:
            break
        for name, function in functions.items():
            if primed:
                function()
            synchronise()
            begin = time.perf_counter()
            function()
            synchronise()
            if turn >= warmups:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def machine(*packages: str) -> dict[str, Any]:
    """Return what a figure depends on: processor, threads, load, versions of ``packages``, date, commit, GPU if any."""
    facts: dict[str, Any] = {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": _commit(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in packages},
    }
    if "torch" in packages:
        import torch

        facts["threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            facts["gpu"] = torch.cuda.get_device_name()
    return facts


def setting(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command line's options as JSON has them, but for where the result goes; of a path elsewhere, its name."""
    given = {name: value for name, value in vars(arguments).items() if name != "output"}
    return {name: _without_place(value) if isinstance(value, Path) else value for name, value in given.items()}


def _without_place(path: Path) -> str:
    """A path as it is in a checkout; one of the machine's says nothing to others."""
    root = Path(__file__).resolve().parents[1]
    if not path.is_absolute():
        return path.as_posix()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows of the same keys with aligned columns; floats with three significant digits."""
    if not rows:
        return
    header = list(rows[0])
    cells = [header, *([_cell(row[key]) for key in header] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The checkout's commit, with ``-dirty`` behind it where files differ from it; None outside of a clone."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=RESULTS, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
