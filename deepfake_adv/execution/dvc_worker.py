"""A process that reproduces one run after the other, whose stages are forks of it.

A stage's process imports torch and the library, 3 to 4 CPU seconds of start for what may be 5 seconds of training. Here
they are imported once for many runs. All else is as in `dvc_batch`: each stage is DVC's, in a process of its own, with
the environment and the files open that DVC would give it.

Run as ``python -m deepfake_adv.execution.dvc_worker``. Each line of standard input is a task in JSON: ``stages`` in
their order, and ``log``, the file that gets their output. Each is answered by a line with its exit code.
"""

import ast
import atexit
import importlib
import json
import logging
import os
import runpy
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from deepfake_adv.execution.dvc_batch import reproduce
from deepfake_adv.execution.parent import end_with_parent

_START: Final = ("python", "-m")
_SCRIPTS: Final = "pipeline."
_LISTS: Final = Path("data/sources")
_READ: set[Path] = set()
"""Files whose imports were followed."""


def main() -> None:
    """Carry out tasks until standard input ends."""
    import dvc.stage.run
    from dvc.exceptions import DvcException

    end_with_parent("stops, since train-all has ended; finished work is kept")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    dvc.stage.run._run = run_forked  # type: ignore[assignment]
    for line in sys.stdin:
        task = json.loads(line)
        with output_in(Path(task["log"])):
            try:
                reproduce(task["stages"])
                code = 0
            except DvcException as error:
                sys.stderr.write(f"{error}\n")
                code = 1
            except Exception:
                traceback.print_exc()
                code = 1
        replies.write(f"{code}\n")
        replies.flush()


@contextmanager
def output_in(log: Path) -> Iterator[None]:
    """Send what this process and its children write to a file."""
    kept = [os.dup(1), os.dup(2)]
    with log.open("wb") as stream:
        for target in (1, 2):
            os.dup2(stream.fileno(), target)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for target, before in zip((1, 2), kept, strict=True):
            os.dup2(before, target)
            os.close(before)


def run_forked(executable: str | None, command: str, **options: Any) -> None:
    """In place of DVC's own: run a stage's ``python -m pipeline.<stage> …`` in a fork; any other command as DVC does.

    Args:
        executable: The shell for other commands.
        command: Of the stage.
        options: For `subprocess.Popen`; ``cwd`` and ``env`` are the stage's.

    Raises:
        dvc.stage.exceptions.StageCmdFailedError: If its exit code is not 0.
    """
    import subprocess

    from dvc.stage.exceptions import StageCmdFailedError

    words = shlex.split(command)
    forked = tuple(words[:2]) == _START and words[2:3] and words[2].startswith(_SCRIPTS)
    preload(words[2], words[3:4]) if forked else None
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the stage's to answer
    try:
        if not forked:
            shell = command if executable is None else [executable, "-c", command]
            code = subprocess.run(shell, check=False, **options).returncode
        elif child := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            _become(words[2], words[3:], options["cwd"], options["env"])
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise StageCmdFailedError(command, code)


def preload(script: str, words: Sequence[str]) -> None:
    """Import a stage's script and all that the stage `sources` lists for it, so that its forks need not.

    What these files import only inside functions is imported too: scikit-learn and SciPy take a second of each fork.
    What cannot be imported is left to the stage, which reports it.

    Args:
        script: Module of the script.
        words: The word that identifies one of the stages of that script.
    """
    stage = script.removeprefix(_SCRIPTS)
    lists = [_LISTS / f"{name}.txt" for name in ("/".join([stage, *words]), stage)]
    listed = next((path.read_text(encoding="utf-8").splitlines() for path in lists if path.is_file()), [])
    files = [path for line in listed if (path := Path(line.partition("  ")[2])).suffix == ".py"]
    modules = [".".join(file.with_suffix("").parts) for file in files]
    later = [name for file in files if file not in _READ for name in _imported(file)]
    _READ.update(files)
    for module in dict.fromkeys([script, *modules, *later]):
        if module not in sys.modules and not module.endswith("__init__"):
            try:
                importlib.import_module(module)
            except Exception as error:
                logging.getLogger(__name__).debug("%s is left to its stage: %s", module, error)


def _imported(file: Path) -> Iterator[str]:
    """Modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_bytes())) if file.is_file() else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _become(script: str, arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> NoReturn:
    """Be a stage's process from here to its end: its environment, no file open but the standard ones."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 1 << 16 else 1 << 16)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv, sys.orig_argv = [script, *arguments], [*_START, script, *arguments]
        sys.modules.pop(script, None)
        logging.getLogger().handlers.clear()
        atexit._clear()  # what DVC would do at its end
        if custom := sys.modules.get("sitecustomize"):  # what this machine does in every process
            importlib.reload(custom)
        runpy.run_module(script, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
