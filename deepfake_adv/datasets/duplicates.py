"""Videos of equal content: one of them is kept, or, where their labels differ, none."""

import filecmp
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deepfake_adv.datasets import videos
from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.files import natural_key
from deepfake_adv.names import REAL, REAL_LABEL

Place = tuple[int, int]  # number of a part, number of a row in it


class ScannedPart(NamedTuple):
    """A part's name, its root, its rows, and the cached facts of each row's file; the last two are changed."""

    name: str
    root: Path
    rows: list[VideoRow]
    facts: Sequence[dict[str, Any]]


def mark_duplicates(parts: Sequence[ScannedPart]) -> None:
    """Give a copy within its part the status DUPLICATE, and all copies, in any part, CONTRADICTORY if labels differ.

    The files do not show which of two labels is right, so both videos are left out. Videos of one label in several
    parts stay, as parts may overlap. Files of equal size and fingerprint are compared byte by byte, each pair once: the
    result is cached.
    """
    alike: dict[tuple[int, str], list[Place]] = defaultdict(list)
    for number, part in enumerate(parts):
        for place, row in enumerate(part.rows):
            if row.status in (videos.OK, videos.TOO_SHORT, videos.TOO_LARGE):
                alike[row.bytes, row.fingerprint].append((number, place))
    for places in alike.values():
        if len(places) < 2:
            continue
        if len({_row(parts, place).label for place in places}) > 1:
            for group in _groups(parts, places):
                _mark(parts, group)
        else:
            for number in dict.fromkeys(number for number, _ in places):
                for group in _groups(parts, [place for place in places if place[0] == number]):
                    _mark(parts, group)


def list_files(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and modification time of the files in a folder, sorted by name with numbers by value."""
    listed = [(path.name, path.stat()) for path in folder.iterdir() if path.is_file()]
    listed.sort(key=lambda file: natural_key(file[0]))
    return [(name, status.st_size, status.st_mtime_ns) for name, status in listed]


def same_content(first: Path, second: Path) -> bool:
    """Whether two files, or the images of two folders, are equal byte by byte."""
    if not first.is_dir() or not second.is_dir():
        return filecmp.cmp(first, second, shallow=False)
    names = [name for name, _, _ in list_files(first)]
    return names == [name for name, _, _ in list_files(second)] and all(
        filecmp.cmp(first / name, second / name, shallow=False) for name in names
    )


def _row(parts: Sequence[ScannedPart], place: Place) -> VideoRow:
    return parts[place[0]].rows[place[1]]


def _groups(parts: Sequence[ScannedPart], places: Iterable[Place]) -> list[list[Place]]:
    """Group the places by content."""
    groups: list[list[Place]] = []
    for place in places:
        group = next((group for group in groups if _twins(parts, group[0], place)), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    return groups


def _mark(parts: Sequence[ScannedPart], group: Sequence[Place]) -> None:
    rows = [_row(parts, place) for place in group]
    firsts: dict[int, str] = {}
    labelled = {row.label: (place, row) for place, row in reversed(list(zip(group, rows, strict=True)))}
    for (number, place), row in zip(group, rows, strict=True):
        other = next((one for label, one in labelled.items() if label != row.label), None)
        if other is not None:
            where = "" if other[0][0] == number else f" in {parts[other[0][0]].name}"
            label = REAL if other[1].label == REAL_LABEL else "fake"
            note = f"same content as {other[1].video}{where}, which is labelled {label}"
            parts[number].rows[place] = row.with_status(videos.CONTRADICTORY, note)
        elif number in firsts:
            parts[number].rows[place] = row.with_status(videos.DUPLICATE, f"same content as {firsts[number]}")
        else:
            firsts[number] = row.video


def _twins(parts: Sequence[ScannedPart], one: Place, other: Place) -> bool:
    first, second = parts[one[0]], parts[other[0]]
    path, stamp = first.rows[one[1]].path, first.facts[one[1]]["stamp"]
    key = path if one[0] == other[0] else f"{first.name}: {path}"
    results = second.facts[other[1]].setdefault("compared", {})
    if results.get(key, [None])[0] != stamp:
        results[key] = [stamp, same_content(first.root / path, second.root / second.rows[other[1]].path)]
    return bool(results[key][1])
