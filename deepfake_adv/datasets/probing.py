"""Probes the videos of a dataset: which exist and can be used. Files that have not changed are not read again."""

import logging
import os
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from deepfake_adv.datasets import videos
from deepfake_adv.datasets.duplicates import ScannedPart, list_files, mark_duplicates
from deepfake_adv.datasets.layouts.base import Layout
from deepfake_adv.datasets.splits import check_identities
from deepfake_adv.datasets.videos import VideoEntry, VideoRow, join_notes, parse_ranges
from deepfake_adv.execution.pool import Outcome, map_tasks
from deepfake_adv.files import check_inside, file_fingerprint, fingerprint, read_json_object, write_json
from deepfake_adv.sources.checkout import code_digest
from deepfake_adv.video.read import probe

logger = logging.getLogger(__name__)

MEMORY: Final = Path("work/inventory")
_FEW = 16  # tasks for which starting worker processes takes longer than the work
_AT_ONCE = 16  # threads that wait for sizes and dates
_CHUNK = 64  # files per task of a thread: on a local disk, to hand a task over costs more than one answer
_FACTS = ("frames", "fps", "width", "height")


@cache
def probing_code() -> str:
    """Digest of the code that determines a video's facts; facts that other code cached are not used."""
    return code_digest(Path(__file__))


@dataclass(frozen=True)
class PartOnDisk:
    """A dataset at one quality, its layout on the disk, and its rows in an earlier inventory."""

    dataset: str
    quality: str
    layout: Layout
    previous: Sequence[VideoRow] = ()

    @property
    def name(self) -> str:
        """Its name in messages and scratch files."""
        return f"{self.dataset}-{self.quality}"


@dataclass(frozen=True)
class ProbeTask:
    """One file or folder to probe."""

    part: int
    entry: int
    path: str
    known_fingerprint: str


def probe_parts(
    parts: Sequence[PartOnDisk],
    listed: Sequence[Sequence[VideoEntry]],
    *,
    min_frames: int,
    execution: Mapping[str, Any],
    max_frames: int | None = None,
    max_pixels: int | None = None,
    memory: Path = MEMORY,
) -> list[list[VideoRow]]:
    """Probe every video that the parts' layouts expect.

    A file's facts come from the cache while size and modification time agree, from the earlier inventory while the
    fingerprint agrees, and otherwise from reading its packets. Files that could not be read are tried again.

    Args:
        parts: What to probe.
        listed: Per part the videos that it should have, as `list_entries` gives them.
        min_frames: A video with fewer frames counts as too short.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        max_frames: A video with more frames counts as too large; None for no limit.
        max_pixels: So does one whose frames have more pixels.
        memory: Folder of this machine's cache of facts; may be deleted at any time.

    Returns:
        Per part its rows, in the layout's order.
    """
    cached = [_read_cache(memory / f"{part.name}.json") for part in parts]
    seen: list[list[dict[str, Any]]] = [[] for _ in parts]
    tasks = []
    for number, (part, entries) in enumerate(zip(parts, listed, strict=True)):
        earlier = {row.path: row for row in part.previous}
        found_all = _stat_all([part.layout.root / entry.path for entry in entries])
        for entry, found in zip(entries, found_all, strict=True):
            known = cached[number].get(entry.path)
            if known and found.get("stamp") and found["stamp"] == known.get("stamp"):
                seen[number].append(known)
                continue
            if "status" not in found:
                row = earlier.get(entry.path)
                reusable = row is not None and row.status != videos.UNREADABLE and row.note in ("", entry.note)
                mark = row.fingerprint if row is not None and reusable else ""
                path = str(part.layout.root / entry.path)
                tasks.append(ProbeTask(number, len(seen[number]), path, mark))
                if reusable:
                    found["earlier"] = {name: getattr(row, name) for name in _FACTS}
            seen[number].append(found)
    for outcome in _probed(tasks, execution):
        task = outcome.task
        _add_outcome(seen[task.part][task.entry], outcome, parts[task.part].layout.root)
    rows = [
        [_row(entry, facts, min_frames, max_frames, max_pixels) for entry, facts in zip(entries, probed, strict=True)]
        for entries, probed in zip(listed, seen, strict=True)
    ]
    mark_duplicates([ScannedPart(p.name, p.layout.root, r, s) for p, r, s in zip(parts, rows, seen, strict=True)])
    for part, own, entries, probed in zip(parts, rows, listed, seen, strict=True):
        _note_missing_originals(own)
        keep = {entry.path: facts for entry, facts in zip(entries, probed, strict=True) if "stamp" in facts}
        _write_cache(memory / f"{part.name}.json", keep)
    return rows


def probe_video(task: ProbeTask) -> dict[str, Any]:
    """Fingerprint one video, and probe it unless the fingerprint is known. A worker runs this."""
    path = Path(task.path)
    mark = _folder_fingerprint(path) if path.is_dir() else file_fingerprint(path)
    if mark == task.known_fingerprint:
        return {"fingerprint": mark}
    try:
        facts = probe(path)
    except ValueError as error:
        return {"fingerprint": mark, "status": videos.UNREADABLE, "note": str(error)}
    return {"fingerprint": mark, "note": facts.note, **{name: getattr(facts, name) for name in _FACTS}}


def _probed(tasks: Sequence[ProbeTask], execution: Mapping[str, Any]) -> Sequence[Outcome[ProbeTask, dict[str, Any]]]:
    if not tasks:
        return []
    settings = dict(execution)
    if len(tasks) <= _FEW:
        settings |= {"engine": "local", "workers": 1}
    return list(map_tasks(probe_video, tasks, desc="inventory", unit="videos", **settings))


def _add_outcome(found: dict[str, Any], outcome: Outcome[ProbeTask, dict[str, Any]], root: Path) -> None:
    """Add the outcome of a probe to the facts of its file."""
    earlier = found.pop("earlier", {})
    if outcome.error is not None:
        found |= {"status": videos.UNREADABLE, "note": outcome.error}
    else:
        assert outcome.value is not None
        found |= outcome.value if "frames" in outcome.value or "status" in outcome.value else earlier | outcome.value
    if found.get("status") == videos.UNREADABLE:
        del found["stamp"]  # so that the next inventory tries again: a permission may be given, a disk may recover
    if found.get("note"):  # the inventory is committed to git, and must not name this machine's folders
        found["note"] = found["note"].replace(f"{root}{os.sep}", "")


def list_entries(part: PartOnDisk) -> list[VideoEntry]:
    """Every video that a part should have.

    Raises:
        FileNotFoundError: If a file that lists them is missing.
        ValueError: If such a file is malformed, two entries share a name, a name leads out of the folders that later
            stages write to, or an identity crosses splits.
    """
    entries = list(part.layout.videos(part.quality))
    names: set[str] = set()
    for entry in entries:
        if entry.video in names:
            raise ValueError(
                f"datasets.{part.dataset}: a video's name must occur once; got {entry.video} twice, again as "
                f"{entry.path}. Rename or remove one."
            )
        check_inside(entry.video, f"datasets.{part.dataset}: a video's name, here of {entry.path},")
        names.add(entry.video)
    if part.layout.exact_identities:
        check_identities(entries, part.dataset)
    return entries


def _stat_all(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """`_stat` of many: on network storage an answer takes milliseconds, so many are waited for at a time."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return [found for each in threads.map(lambda chunk: [_stat(path) for path in chunk], chunks) for found in each]


def _stat(path: Path) -> dict[str, Any]:
    """Size and modification time, or the status where there is nothing to probe."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            files = list_files(path)
            size = sum(size for _, size, _ in files)
            stamp = [size, fingerprint(files)]
        else:
            size, stamp = status.st_size, [status.st_size, status.st_mtime_ns]
    except (FileNotFoundError, NotADirectoryError):
        return {"status": videos.MISSING}
    except OSError as error:
        return {"status": videos.UNREADABLE, "note": f"it cannot be opened ({error.strerror})"}
    return {"bytes": size, "stamp": stamp} if size else {"status": videos.EMPTY}


def _folder_fingerprint(folder: Path) -> str:
    """Names and sizes of all images, and the ends of the first, the middle and the last."""
    files = [(name, size) for name, size, _ in list_files(folder)]
    chosen = sorted({0, len(files) // 2, len(files) - 1}) if files else []
    return fingerprint([files, [file_fingerprint(folder / files[place][0]) for place in chosen]])


def _read_cache(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = read_json_object(path, {"code": str, "videos": dict})
    except (OSError, ValueError):
        return {}
    facts: dict[str, dict[str, Any]] = content["videos"] if content["code"] == probing_code() else {}
    return facts


def _write_cache(path: Path, facts: dict[str, dict[str, Any]]) -> None:
    if facts != _read_cache(path):
        write_json(path, {"code": probing_code(), "videos": facts})


def _note_missing_originals(rows: list[VideoRow]) -> None:
    missing = {row.target for row in rows if row.label == 0 and row.status == videos.MISSING}
    for number, row in enumerate(rows):
        lacking = [name for name in dict.fromkeys((row.target, row.source)) if name in missing]
        if row.label == 1 and row.status != videos.MISSING and lacking:
            rows[number] = row.with_status(row.status, f"its original {' and '.join(lacking)} is missing")


def _row(
    entry: VideoEntry, facts: Mapping[str, Any], min_frames: int, max_frames: int | None, max_pixels: int | None
) -> VideoRow:
    status, note = facts.get("status", videos.OK), join_notes(facts.get("note", ""), entry.note)
    frames = len(parse_ranges(entry.taken)) if entry.taken else facts.get("frames", 0)
    if status == videos.OK and frames < min_frames:
        status, note = videos.TOO_SHORT, join_notes(note, f"{frames} frames, {min_frames} asked for")
    width, height = facts.get("width", 0), facts.get("height", 0)
    if status == videos.OK and max_frames is not None and frames > max_frames:
        status, note = videos.TOO_LARGE, join_notes(note, f"{frames} frames, at most {max_frames} allowed")
    if status == videos.OK and max_pixels is not None and width * height > max_pixels:
        status, note = videos.TOO_LARGE, join_notes(note, f"{width} x {height} pixels, at most {max_pixels} allowed")
    measured = {name: facts.get(name, 0) for name in ("bytes", *_FACTS)}
    measured["fps"] = float(measured["fps"])
    names = {name: value for name, value in vars(entry).items() if name != "note"}
    return VideoRow(**names, **measured, fingerprint=facts.get("fingerprint", ""), status=status, note=note)
