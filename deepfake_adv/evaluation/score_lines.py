"""The lines of a table of scores from elsewhere: its columns, what they say, and what is wrong in them."""

import math
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from deepfake_adv.datasets.tables import (
    LABELS,
    TableLine,
    UserTable,
    backslash_hint,
    column_hint,
    explained,
    raise_errors,
)
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL

REQUIRED: Final = ("video", "label", "score")
COLUMNS: Final = {
    "video": "its name, equal in all rows of one video",
    "label": "real or fake, or 0 or 1",
    "score": "P(fake), 0 to 1, or with --threshold any number that is higher for fakes; empty or nan: missing",
    "frame": "number of the frame, where rows are frames (optional)",
    "target": "who is seen in it: an identity, or the original video of a fake (optional)",
    "source": "whose face was put onto a fake: an identity, or a video (optional)",
    "forgery": "how a fake was made (optional)",
}
"""Columns with their meaning."""

EXPLAINED: Final = (
    "Columns of a table of scores:",
    *explained(COLUMNS),
    "Other columns are allowed. With target and source, intervals draw identities, not videos.",
)
"""Lines of the help, and of the error of a table with other columns."""

_ALIASES: Final = {
    **dict.fromkeys(("path", "file", "filename", "name", "video_id", "video_name"), "video"),
    **dict.fromkeys(("y", "y_true", "gt", "ground_truth", "class", "is_fake", "labels"), "label"),
    **dict.fromkeys(
        ("prob", "probability", "pred", "prediction", "p", "p_fake", "y_score", "logit", "scores"), "score"
    ),
}
_MISSING: Final = frozenset({"", "na", "n/a", "none", "null", "-"})  # nan and inf are numbers
_NEAR: Final = 0.8  # similarity of a misspelt column


def check_lines(path: Path, table: UserTable) -> None:
    """Check a table's columns and lines.

    Raises:
        ValueError: If a column or every line is missing, a column nearly has the name of one of `COLUMNS`, or lines are
            wrong; names them all, up to 20.
    """
    columns = table.columns
    strange = [name for name in columns if name not in COLUMNS]
    left = [name for name in COLUMNS if name not in columns]
    near = [name for name in strange if not name or get_close_matches(name.lower(), left, n=1, cutoff=_NEAR)]
    if near or not set(REQUIRED) <= set(columns):
        raise ValueError(
            f"{path} must have the columns {', '.join(REQUIRED)}; got {', '.join(columns) or 'none'}. "
            f"{column_hint(columns, COLUMNS, 'Correct its first line.', _ALIASES)}\n" + "\n".join(EXPLAINED)
        )
    if not table.lines:
        raise ValueError(f"{path} must have rows; got a header alone. Write one line per video or frame.")
    raise_errors(path, _errors(table.lines))


def score_of(fields: Mapping[str, str]) -> float | None:
    """A line's score: NaN where it is missing or infinite, None where it is no number."""
    text = fields.get("score", "")
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else math.nan


def _errors(lines: list[TableLine]) -> list[str]:
    errors = []
    seen: Counter[tuple[str, str]] = Counter()
    first: dict[str, dict[str, str]] = {}
    for number, line, beyond in lines:
        wrong = _wrong(line)
        if beyond:
            wrong.append(
                f"fields must be as many as columns; got {beyond[0]!r} after the last. Quote a field with a comma"
            )
        video, label = line.get("video", ""), line.get("label", "").lower()
        if not wrong:
            own = {
                "label": str(LABELS[label]),
                **{name: line.get(name, "") for name in ("target", "source", "forgery")},
            }
            other = first.setdefault(video, own)
            wrong += [
                f"{name} must be one for each video; got {own[name]!r} and before {other[name]!r} for {video}"
                for name in own
                if own[name] != other[name]
            ]
        if "frame" in line:
            seen[video, line["frame"]] += 1
            if seen[video, line["frame"]] == 2:
                wrong.append(f"a frame must have one row; got frame {line['frame']} of {video} again")
        errors += [f"line {number}: {error}" for error in wrong]
    return errors


def _wrong(line: dict[str, str]) -> list[str]:
    found = []
    if "video" not in line:
        found.append("video must be given; got nothing")
    elif (backslash := backslash_hint(line["video"])) is not None:
        found.append(backslash)
    label = line.get("label", "").lower()
    if label not in LABELS:
        found.append(f"label must be real or fake (0 or 1); got {line.get('label', '')!r}")
    elif LABELS[label] == REAL_LABEL and line.get("forgery", REAL).lower() != REAL:
        found.append(f"forgery must be empty or real for a real video; got {line['forgery']!r}")
    elif LABELS[label] == FAKE_LABEL and line.get("forgery", "").lower() == REAL:
        found.append("forgery must be another than real for a fake; got 'real'")
    if score_of(line) is None:
        found.append(f"score must be a number, or empty where it is missing; got {line['score']!r}")
    return found
