"""Checks that the code that runs is that of the present checkout, and the code that `dvc repro` recorded."""

import socket
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from deepfake_adv.registry import PACKAGE
from deepfake_adv.sources.closure import RegistryEntry, Sources
from deepfake_adv.sources.syntax import bytes_digest

ROOT: Final = Path(__file__).resolve().parents[2]
"""The checkout whose code runs."""

UNRECORDED: Final = ("inputs", "sources")
"""Stages that run before the lists exist."""

ELSEWHERE: Final = (
    "{package} must be the same in every process, {asked}; got {found} in a worker. "
    "Start the workers in that checkout, or unset the PYTHONPATH that they were started with."
)
"""Said of a process that another checkout's code started."""

RECORDED: Final = Path("data/sources")
"""Folder of the lists that the stage `sources` writes, relative to the root; the same as in dvc.yaml."""


@cache
def own_sources() -> Sources:
    """The sources of the code that runs, each file as it was when first read."""
    return Sources(ROOT)


def code_digest(start: str | Path, entries: Iterable[RegistryEntry] = ()) -> str:
    """16 hex digits of the code that a stage reaches; equal digests mean equal results.

    Args:
        start: A stage, or the file of a module.
        entries: Methods, detectors and attacks that it builds by params; see `entries_of`.
    """
    sources = own_sources()
    path = sources.script(start) if isinstance(start, str) else start.resolve()
    return bytes_digest(sources.listing(path, entries).encode())


def checkout_of(here: Path) -> Path | None:
    """The checkout that a folder is in: the parent with dvc.yaml and the package; None outside a checkout."""
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / PACKAGE / "registry.py").is_file():
            return folder
    return None


def check_checkout(here: Path | None = None) -> None:
    """Refuse to run another checkout's code: its results would be recorded as those of this one.

    Args:
        here: A folder; None for the working directory.

    Raises:
        ValueError: If the code that runs is not that of the checkout that contains `here`.
    """
    root = checkout_of((here or Path.cwd()).resolve())
    if root is not None and root != ROOT:
        raise ValueError(
            f"{PACKAGE} must be this checkout's own, {root / PACKAGE}; got {ROOT / PACKAGE}. "
            f"In {root} run `dvc repro`, or `python -m {PACKAGE} ...` in place of `deepfake-adv ...`."
        )


def check_same(asked_by: Path) -> None:
    """Refuse work in a process that another checkout's code started.

    Args:
        asked_by: `ROOT` of the process that sends the work.

    Raises:
        ValueError: If it differs from this process's `ROOT`.
    """
    if asked_by != ROOT:
        raise ValueError(ELSEWHERE.format(package=PACKAGE, asked=asked_by / PACKAGE, found=ROOT / PACKAGE))


def check_alike(file: str, digest: str) -> None:
    """Refuse work on a machine whose copy of this checkout, at the same place, is of other code.

    Args:
        file: Of the module that has the work.
        digest: Its `code_digest` where the work was asked for.

    Raises:
        ValueError: If it is another here.
    """
    if _digest_of(file) != digest:
        raise ValueError(
            f"the code of {Path(file).name} must be the same on every machine; got another on "
            f"{socket.gethostname()}. Bring {ROOT} there to the same commit, or share one folder."
        )


@cache
def _digest_of(file: str) -> str:
    return code_digest(Path(file))


def check_recorded(stage: str, words: Sequence[str] = (), root: Path | None = None) -> None:
    """Refuse to run code that was edited since `dvc repro` listed it: the result would be cached under the old code.

    If no list exists, as when a script runs without DVC, nothing is compared.

    Args:
        stage: Its name.
        words: The words that identify one of the stages of that name.
        root: The checkout; None for the working directory.

    Raises:
        ValueError: If a file of the list differs; names it.
    """
    if stage in UNRECORDED:
        return
    root = root or Path.cwd()
    found = [root / RECORDED / f"{name}.txt" for name in ("/".join([stage, *words[:1]]), stage)]
    recorded = next((path for path in found if path.is_file()), None)
    if recorded is None:
        return
    sources = own_sources()
    for line in recorded.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        path = sources.root / name
        if not path.is_file() or sources.digest(path) != digest:
            raise ValueError(
                f"the code of {stage} must not change while `dvc repro` runs; got a changed {name}. "
                "Run `dvc repro` again."
            )
