"""A process that ends when its parent process ends, for any reason."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Final

STOPPED: Final = 130
"""The shell's exit code after Ctrl-C."""


def end_with_parent(message: str) -> None:
    """End this process within a second after its parent ends, also after SIGKILL.

    A shell between the two, as on some systems, is skipped. The process ends as if by SIGKILL: nothing is cleaned up.

    Args:
        message: Written to standard error.
    """
    parent = os.getppid()
    above = _above(parent)

    def wait_for_parent() -> None:
        while os.getppid() == parent and _above(parent) == above:
            time.sleep(0.5)
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
        os._exit(STOPPED)

    threading.Thread(target=wait_for_parent, daemon=True).start()


def _above(process: int) -> int | None:
    """The parent of a shell; None for any other process, or if it is unknown."""
    try:
        name, _, rest = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")
    except OSError:
        return None
    return int(rest.split()[1]) if name.partition("(")[2].endswith("sh") else None
