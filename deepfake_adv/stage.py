"""Runs a stage's script: logging, arguments, and error messages that say what to do."""

import errno
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deepfake_adv.execution.dvc_lock import keep_lock
from deepfake_adv.execution.parent import STOPPED, end_with_parent
from deepfake_adv.files import DISK_FAULTS
from deepfake_adv.log import configure
from deepfake_adv.scratch import ASKED, ScratchNamed
from deepfake_adv.sources.checkout import check_checkout, check_recorded

logger = logging.getLogger(__name__)

EXPECTED = (ValueError, OSError, RuntimeError, ArithmeticError, MemoryError)


def run_stage(name: str, main: Callable[..., None], arguments: Sequence[str] | None = None, *, words: int = 0) -> None:
    """Call `main` with the script's arguments; on an error, log one message and exit.

    The stage does not run with another checkout's code, or with code that was edited since `dvc repro` began: DVC would
    record its results under the code that it knows. It ends when the DVC process that started it ends: its result
    would not be recorded, and it would be in the way of the next `dvc repro`. If `scratch.ASKED` is set, the stage
    prints the name of its scratch folder and does nothing.

    If the command ends with a whole section of params.yaml as `--key value` (DVC writes that for ``${section}``),
    `main` gets the values as keyword arguments.

    The exit code is 130 after Ctrl-C and 1 after an error. The traceback is written to
    ``work/<stage>.traceback.txt``, or shown if DEEPFAKE_ADV_TRACEBACK=1.

    Args:
        name: The stage, for the log.
        main: Takes `words` strings, then paths, then the keys of a section as strings.
        arguments: Command line arguments; None: those of this process.
        words: How many of the first arguments are plain words.
    """
    given, section = _without_section(list(sys.argv[1:] if arguments is None else arguments))
    label = "@".join([name, "-".join(given[:words])]) if given[:words] else name
    configure(label)
    asked = bool(os.environ.get(ASKED))
    if not asked:
        keep_lock()
        if os.environ.get("DVC_STAGE"):  # a stage started by hand outlives its shell
            end_with_parent(
                f"{label} stops, since the DVC that started it has ended; finished work is kept, run `dvc repro`"
            )
    try:
        check_checkout()
        _check_arguments(name, main, given, section)
        if not asked:
            check_recorded(name, given[:words])
        main(*given[:words], *map(Path, given[words:]), **section)
    except ScratchNamed as named:
        sys.stdout.write(f"{named}\n")
    except KeyboardInterrupt:
        logger.error("interrupted; finished work is kept, run `dvc repro` to continue")
        sys.exit(STOPPED)
    except EXPECTED as error:
        logger.error("%s", explain(error, again="run `dvc repro` again: finished work is kept"))
        _keep(traceback.format_exc(), label)
        sys.exit(1)


def _without_section(given: list[str]) -> tuple[list[str], dict[str, str]]:
    """Arguments up to the first ``--key``, and values by key from there on; all of them where these are no pairs."""
    start = next((place for place, word in enumerate(given) if word.startswith("--")), len(given))
    keys, values = given[start::2], given[start + 1 :: 2]
    if len(keys) != len(values) or not all(key.startswith("--") for key in keys):
        return given, {}
    return given[:start], {key[2:]: value for key, value in zip(keys, values, strict=True)}


def _check_arguments(
    name: str, main: Callable[..., Any], given: Sequence[str], section: Mapping[str, str] = MappingProxyType({})
) -> None:
    signature = inspect.signature(main)
    try:
        signature.bind(*given, **section)
    except TypeError as error:
        wanted = []
        for parameter in signature.parameters.values():
            word = parameter.name.upper()
            if parameter.kind is parameter.VAR_POSITIONAL:
                word = f"[{word} ...]"
            elif parameter.kind is parameter.VAR_KEYWORD:
                word = "[--KEY VALUE ...]"
            elif parameter.default is not parameter.empty:
                word = f"[{word}]"
            wanted.append(word)
        raise ValueError(
            f"arguments must be {' '.join(wanted)}; got {' '.join([*given, *section]) or 'none'}. "
            f"dvc.yaml has the full command: run `dvc repro {name}`."
        ) from error


def explain(error: BaseException, *, again: str = "run the same command again") -> str:
    """An error as one message that says what to do next.

    Args:
        error: The error.
        again: What to do after the disk or memory problem is fixed.
    """
    if isinstance(error, OSError) and error.errno in DISK_FAULTS:
        return _disk_fault(error, again)
    if isinstance(error, PermissionError) and error.filename:
        return (
            f"{error.filename} must be readable and its folder writable; permission was denied. "
            "Change its permissions and run again."
        )
    if _memory_fault(error):
        return (
            "memory must be enough for the allocation; got: "
            f"{str(error).splitlines()[0] if str(error) else 'too little'}. "
            f"Lower the sizes of images and batches, or execution.workers, and {again}."
        )
    return str(error) or type(error).__name__


def _memory_fault(error: BaseException) -> bool:
    """Whether memory ran out; torch's error is recognised by its name, since not every stage imports torch."""
    of_torch = type(error).__name__ == "OutOfMemoryError" or "DefaultCPUAllocator" in str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and of_torch)


def _disk_fault(error: OSError, again: str) -> str:
    place = f" at {error.filename}" if error.filename else ""
    if error.errno == errno.EROFS:
        return f"disk must be writable; it is mounted read-only{place}. Mount it for writing and {again}."
    if error.errno == errno.EFBIG:
        return f"disk must allow files of the output's size; one grew too large{place}. Raise `ulimit -f` and {again}."
    return f"disk must have room for the output; it is full{place}. Free space and {again}."


def _keep(text: str, label: str) -> None:
    if os.environ.get("DEEPFAKE_ADV_TRACEBACK") == "1":
        sys.stderr.write(text)
        return
    try:
        Path("work").mkdir(exist_ok=True)
        path = Path("work") / f"{label}.traceback.txt"
        path.write_text(text, encoding="utf-8")
        logger.error("Details: %s", path)
    except OSError:  # a full disk must not hide the message above
        logger.error("The traceback could not be written to work/; run again with DEEPFAKE_ADV_TRACEBACK=1")
