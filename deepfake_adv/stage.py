"""How a stage's script runs: logging, arguments, and an error that says what to do."""

import errno
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from deepfake_adv.log import configure

logger = logging.getLogger(__name__)

EXPECTED = (ValueError, OSError, RuntimeError, ArithmeticError)


def run_stage(name: str, main: Callable[..., None], arguments: Sequence[str] | None = None, *, words: int = 0) -> None:
    """Call `main` with the script's arguments; end with one clear message where something is wrong.

    The traceback goes to ``work/<stage>.traceback.txt``, and to the screen with DEEPFAKE_ADV_TRACEBACK=1.

    Args:
        name: The stage, for the log.
        main: Takes `words` strings, then paths.
        arguments: Of the command line; None for this process's own.
        words: How many of the first arguments are plain words.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    label = "@".join([name, "-".join(given[:words])]) if words else name
    configure(label)
    try:
        main(*given[:words], *map(Path, given[words:]))
    except EXPECTED as error:
        logger.error("%s", explain(error))
        _keep(traceback.format_exc(), label)
        sys.exit(1)


def explain(error: BaseException) -> str:
    """The error as one message with what to do next."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" at {error.filename}" if error.filename else ""
        return (
            f"disk must have room for the output; it is full{place}. "
            "Free space and run `dvc repro` again: finished pieces are kept."
        )
    if isinstance(error, PermissionError):
        return (
            f"{error.filename} must be readable and its folder writable; permission was denied. "
            "Mend its rights and run again."
        )
    return str(error) or type(error).__name__


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
        sys.stderr.write(text)
