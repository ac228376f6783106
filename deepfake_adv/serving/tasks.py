"""What the server asks of its worker's process; see `scoring`, which only that process imports.

The server itself moves bytes. It names these functions instead of `scoring`'s, so that it never loads torch: that would
take it half a gigabyte.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PROGRESS: Final = "progress"
"""File in an upload's folder: frames looked at, and of how many."""


def load(
    detector: Path, accelerator: str, settings: Mapping[str, Any], largest: tuple[int, int] | None
) -> dict[str, Any]:
    """See `scoring.load`."""
    from deepfake_adv.serving import scoring

    return scoring.load(detector, accelerator, settings, largest)


def score_upload(path: Path, name: str) -> dict[str, Any]:
    """See `scoring.score_upload`."""
    from deepfake_adv.serving import scoring

    return scoring.score_upload(path, name)
