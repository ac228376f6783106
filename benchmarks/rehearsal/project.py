"""A copy of this project's code, with a DVC repository and params of its own: the rehearsal's, and the study's."""

import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from ruamel.yaml import YAML

from benchmarks.rehearsal.overrides import OVERRIDES, apply
from deepfake_adv.files import write_text

ROOT: Final = Path(__file__).resolve().parents[2]
PROFILE: Final = Path("profiles/paper.yaml")
_HERE: Final = Path(__file__).resolve().parent
_CODE: Final = ("deepfake_adv", "pipeline", "outside", "profiles", "reports/paper")
_FILES: Final = ("dvc.yaml", ".gitignore", ".dvcignore", "pyproject.toml")
_OWN: Final = "dvc.lock"  # what DVC leaves among the code


class Project:
    """A copy in a folder of its own; what it has made stays where the code is copied again.

    Attributes:
        folder: Of the copy, its datasets included.
        usage: File with a line per stage that has run.

    Args:
        folder: Where; made if it is not there.
        kind: What is done there, rehearsal or study; ``<kind>.lock`` marks the folder and is held by who works there.
        profile: Its params, relative to this project.
        overrides: What of them is changed; see `overrides`.

    Raises:
        ValueError: If the folder has other content, or another process is using it.
    """

    def __init__(
        self,
        folder: Path,
        kind: str = "rehearsal",
        profile: Path = PROFILE,
        overrides: Mapping[str, Any] = MappingProxyType(OVERRIDES),
    ) -> None:
        self.kind, self.profile, self.overrides = kind, profile, overrides
        self.folder = folder.resolve()
        self.usage = self.folder / "usage.jsonl"
        self._steps = self.folder / "steps.jsonl"
        self._held = _own(self.folder, kind)

    def prepare(self) -> dict[str, Any]:
        """Bring code and params up to date; make it a DVC repository.

        Returns:
            What the params override: dotted key -> value.

        Raises:
            ValueError: If an override meets no key of the profile.
        """
        for name in _CODE:
            _mirror(ROOT / name, self.folder / name)
        for name in _FILES:
            _copy(ROOT / name, self.folder / name)
        yaml = YAML()
        yaml.width = 4096
        params = yaml.load((ROOT / self.profile).read_text(encoding="utf-8"))
        changed = apply(params, self.overrides)
        text = StringIO()
        yaml.dump(params, text)
        write_text(self.folder / "params.yaml", text.getvalue())
        if not (self.folder / ".dvc").is_dir():
            self.call("dvc", "init", "--quiet", "--no-scm")
        for key, value in (
            ("cache.type", "hardlink,copy"),
            ("core.analytics", "false"),
            ("core.check_update", "false"),
        ):
            self.call("dvc", "config", key, value)
        return changed

    def call(self, *words: str) -> None:
        """Run a module of Python's in the copy.

        Raises:
            RuntimeError: If it fails.
        """
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment(),
            pass_fds=(self._held.fileno(),),  # the folder is taken for as long as this works, should we be killed
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(words)} must succeed in the {self.kind}; got exit code {done.returncode}. Fix the error "
                f"that it reports and run `make {self.kind}` again: it continues in {self.folder}."
            )

    def step(self, *words: str) -> None:
        """`call`, and remember its time.

        Raises:
            RuntimeError: If it fails.
        """
        began, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            self.call(*words)
        finally:
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            with open(self._steps, "a", encoding="utf-8") as stream:
                line = {"step": " ".join(words[:2]), "wall_s": time.time() - began, "cpu_s": cpu}
                stream.write(json.dumps(line) + "\n")

    def steps(self) -> list[dict[str, Any]]:
        """What `step` remembers, of calls that were killed too as far as they could."""
        return read_lines(self._steps)

    def environment(self) -> dict[str, str]:
        """Of every process there: its own code first, and stages observed."""
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": os.pathsep.join([str(_HERE / "observed"), str(self.folder)]),
            "REHEARSAL_USAGE": str(self.usage),
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",  # a second thread mostly waits, which costs CPU time too
        }


def _own(folder: Path, kind: str) -> IO[str]:
    """Take a folder that is empty or an earlier one's of the kind, since files in it are replaced and deleted."""
    mark = folder / f"{kind}.lock"
    if folder.exists() and not mark.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"folder must be an empty one, or that of an earlier {kind}; got {folder}, which holds something else. "
            f"Name another: make {kind} FOLDER=/where/there/is/room."
        )
    folder.mkdir(parents=True, exist_ok=True)
    stream = open(mark, "a", encoding="utf-8")  # noqa: SIM115 - held until the process ends
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise ValueError(
            f"folder must have one {kind} at a time; another works in {folder}. Wait for it, or name another folder."
        ) from None
    return stream


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Objects of a file with one JSON object a line; none where there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _mirror(source: Path, target: Path) -> None:
    """Make `target` hold the files of `source`, and keep the dates of those that are the same."""
    wanted = {path.relative_to(source) for path in _files(source)}
    for path in list(_files(target)):
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name in wanted:
        _copy(source / name, target / name)


def _files(folder: Path) -> Sequence[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if path.parent.name != "__pycache__" and path.name != _OWN]


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
