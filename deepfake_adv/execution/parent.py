"""A process that ends with the one that started it, however that ended."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Final

STOPPED: Final = 130
"""The shell's exit code after Ctrl-C."""


def end_with_parent(last_words: str) -> None:
    """Have this process end within a second after its parent has, as after SIGKILL.

    A shell between the two, which some systems leave there, is looked past. What is to be kept must be safe from
    SIGKILL itself: nothing is cleaned up.

    Args:
        last_words: Written to standard error.
    """
    parent = os.getppid()
    above = _above(parent)

    def watch() -> None:
        while os.getppid() == parent and _above(parent) == above:
            time.sleep(0.5)
        sys.stderr.write(f"{last_words}\n")
        sys.stderr.flush()
        os._exit(STOPPED)

    threading.Thread(target=watch, daemon=True).start()


def _above(process: int) -> int | None:
    """The parent of a shell; None of any other process, and where the system does not say."""
    try:
        name, _, rest = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")
    except OSError:
        return None
    return int(rest.split()[1]) if name.partition("(")[2].endswith("sh") else None
