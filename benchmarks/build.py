"""Times the demo as a newcomer has it: ``python -m benchmarks.build``, a quarter of an hour on an idle machine.

It clones the checkout's commit into an empty folder, runs `make repro` there, which makes the environment too, and then
`dvc repro`, which has nothing to do. The folder is deleted afterwards, unless --folder names one.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, machine, setting
from deepfake_adv.files import write_json

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Build, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="empty folder to build in; kept")
    parser.add_argument("--output", type=Path, default=RESULTS / "build.json")
    arguments = parser.parse_args()
    before = machine("dvc", "torch")
    with tempfile.TemporaryDirectory() as scratch:
        found = build(ROOT, arguments.folder or Path(scratch) / "clone")
    write_json(arguments.output, {"machine": before, "setting": setting(arguments), **found})
    print(found)


def build(repository: Path, folder: Path) -> dict[str, Any]:
    """Clone a repository into an empty folder and build it twice.

    Returns:
        Seconds of `first`, which makes the environment too, and of `again`; bytes of the `environment`, and of
        `outputs` with DVC's cache.

    Raises:
        subprocess.CalledProcessError: If the clone or a build fails.
    """
    subprocess.run(["git", "clone", "--quiet", str(repository), str(folder)], check=True)
    return {
        "first": _timed(["make", "repro"], folder),
        "again": _timed([".venv/bin/dvc", "repro"], folder),
        "bytes": {
            "environment": _size([folder / ".venv", folder / ".uv"]),
            "outputs": _size([folder / name for name in ("data", "reports", ".dvc")]),
        },
    }


def _timed(command: Sequence[str], folder: Path) -> dict[str, float]:
    """Wall and CPU seconds of a command, as typed in a shell outside of any environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    used, start = _cpu_seconds(), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=True)
    return {"wall_s": round(time.perf_counter() - start, 1), "cpu_s": round(_cpu_seconds() - used, 1)}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _size(folders: Iterable[Path]) -> int:
    """Bytes on the disk; a file with several names, such as one that DVC lends from its cache, counts once."""
    blocks = {}
    for folder in folders:
        for path in folder.rglob("*"):
            status = path.lstat()
            blocks[status.st_ino] = 512 * status.st_blocks
    return sum(blocks.values())


if __name__ == "__main__":
    main()
