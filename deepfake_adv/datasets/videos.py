"""A video of a dataset: as a layout expects it, as the inventory found it, and the inventory's CSV table."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

from deepfake_adv.files import check_inside, csv_text, read_text

OK: Final = "ok"
UNREADABLE: Final = "unreadable"
EMPTY: Final = "empty"
MISSING: Final = "missing"
DUPLICATE: Final = "duplicate"
CONTRADICTORY: Final = "contradictory"
TOO_SHORT: Final = "too_short"
TOO_LARGE: Final = "too_large"

_NONE: Final = "none"


@dataclass(frozen=True)
class VideoEntry:
    """A video that a layout expects, whether it exists or not.

    Attributes:
        video: ``<forgery or real>/<name without suffix>``, unique in dataset x quality.
        label: 0 for real, 1 for fake.
        forgery: "real" or a `Forgery`.
        split: "train", "val" or "test"; empty for none of them, so that no later stage uses it.
        target: Name of the video whose background and head this is; its own name for a real one.
        source: Identity or video of the swapped face; empty where unknown, and for a real one.
        path: Its path, relative to the dataset's root, with "/".
        mask_path: Video or folder of its manipulation masks; empty where there is none.
        note: The layout's remark about it.
        taken: Which of a folder's images count, as `format_ranges` writes their positions; empty for all.
    """

    video: str
    label: int
    forgery: str
    split: str
    target: str
    source: str
    path: str
    mask_path: str = ""
    note: str = ""
    taken: str = ""


@dataclass(frozen=True)
class VideoRow:
    """A row of an inventory: a `VideoEntry` and what was found at its path.

    Attributes:
        bytes: Size of the file, or of a folder's images; 0 where nothing was found.
        fingerprint: Of these bytes.
        frames: Number of frames, or of images.
        fps: Frames per second; 0 for images.
        width: Of the frames, pixels.
        height: Of the frames, pixels.
        status: ok, or the reason for which later stages leave the video out.
    """

    video: str
    label: int
    forgery: str
    split: str
    target: str
    source: str
    path: str
    mask_path: str
    bytes: int
    fingerprint: str
    frames: int
    fps: float
    width: int
    height: int
    status: str
    note: str
    taken: str = ""

    @property
    def usable(self) -> bool:
        """Whether later stages use the video."""
        return self.status == OK and bool(self.split)

    def with_status(self, status: str, note: str) -> "VideoRow":
        """The row with another status, and a note added to its own."""
        return replace(self, status=status, note=join_notes(self.note, note))


COLUMNS: Final = tuple(field.name for field in fields(VideoRow))
_TYPES: Final = {field.name: field.type for field in fields(VideoRow)}


def format_ranges(positions: Iterable[int]) -> str:
    """Increasing positions as text: "0-269 300 302", or "none"."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][-1] + 1:
            runs[-1][1:] = [position]
        else:
            runs.append([position])
    return " ".join("-".join(map(str, run)) for run in runs) or _NONE


def parse_ranges(text: str) -> list[int]:
    """Positions from the text of `format_ranges`.

    Raises:
        ValueError: If they are not of that form.
    """
    if text == _NONE:
        return []
    ends = [tuple(map(int, run.split("-"))) for run in text.split()]
    return [position for run in ends for position in range(run[0], run[-1] + 1)]


def join_notes(*notes: str) -> str:
    """Join notes, without the empty ones."""
    return "; ".join(note for note in notes if note)


def format_rows(rows: Iterable[VideoRow]) -> str:
    """An inventory as CSV text."""
    return csv_text(COLUMNS, map(vars, rows))


def read_rows(path: Path) -> list[VideoRow]:
    """Read an inventory.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an inventory.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} must exist; found nothing. Run `dvc repro outside/dvc.yaml:inventory`.")
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(
            f"{path} must have the columns {', '.join(COLUMNS)}; got {reader.fieldnames}. "
            "Delete it and run `dvc repro outside/dvc.yaml:inventory`."
        )
    try:
        return [_row(record) for record in reader]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must be an inventory; line {reader.line_num} is not ({error}). "
            "Delete it and run `dvc repro outside/dvc.yaml:inventory`."
        ) from error


def _row(record: dict[str, str]) -> VideoRow:
    converters = {int: int, float: float, str: str}
    values = {name: converters[_TYPES[name]](record[name]) for name in COLUMNS}  # type: ignore[index]
    row = VideoRow(**values)
    check_inside(row.video, "video")  # later stages name files by it, and by forgery and split
    check_inside(f"{row.forgery}-{row.split}", "forgery")
    return row
