"""The inventory stage: look at every part, write its table and the reports, stop where that is asked for."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deepfake_adv.datasets import completeness
from deepfake_adv.datasets.classes import Trained, one_class_faults
from deepfake_adv.datasets.probing import MEMORY, Part, list_entries, probe_parts, probing_code
from deepfake_adv.datasets.splits import crossing_identities, leak_message
from deepfake_adv.datasets.videos import VideoEntry, VideoRow, format_rows, read_rows
from deepfake_adv.files import write_text
from deepfake_adv.names import ALL_QUALITIES

logger = logging.getLogger(__name__)

CODE = "code.txt"


def inventory_datasets(
    parts: Sequence[Part],
    folder: Path,
    *,
    min_frames: int,
    missing_is_fatal: bool,
    contradictions_are_fatal: bool,
    max_unreadable_share: float,
    execution: Mapping[str, Any],
    max_frames: int | None = None,
    max_pixels: int | None = None,
    trained: Trained = MappingProxyType({}),
    leak_free: Sequence[str] = (),
    memory: Path = MEMORY,
) -> None:
    """Write ``<dataset>/<quality>.csv`` per part, report.csv and missing.csv into `folder`.

    A table that did not change is left untouched, one of a part that is no longer asked for is deleted: stages depend
    on the whole folder. code.txt names the code that looked at the videos: tables of other code are made anew. A
    dataset that is not at its root keeps the table of an
    earlier inventory if missing videos are tolerated: so a clone without the videos can still go on.

    Args:
        parts: What to look at.
        folder: To write into.
        min_frames: A video with fewer frames counts as too short.
        missing_is_fatal: Whether a video that should be there and is not stops the pipeline.
        contradictions_are_fatal: Whether copies of both labels do.
        max_unreadable_share: Largest tolerated share of the videos that cannot be read.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        max_frames: A video of more frames is left out and named; None for no limit.
        max_pixels: So is one whose frames have more pixels.
        trained: The tier and the conditions of each run.
        leak_free: Tiers in which no identity may lie in two splits: what `shard` would stop at when all crops are cut.
        memory: Folder of this machine's notes on files seen before.

    Raises:
        ValueError: If two parts are the same, or a dataset is not there, cannot be listed, or lacks more than is
            tolerated, or a copy contradicts a label, an identity crosses splits, or what a run is to train on is of
            one class; names every fault. The tables of what is there are written before.
    """
    twice = [name for name, times in Counter(part.name for part in parts).items() if times > 1]
    if twice:
        raise ValueError(
            f"parts must each be another dataset or quality; got {', '.join(twice)} twice. Remove one of them."
        )
    _clear(folder, parts)
    parts = [replace(part, previous=_earlier(folder, part)) for part in parts]
    absent = {part.name: problem for part in parts if (problem := part.layout.problem()) is not None}
    kept = [part for part in parts if part.name in absent and part.previous and not missing_is_fatal]
    for part in kept:
        logger.warning("datasets.%s: %s; its earlier inventory is kept", part.dataset, absent[part.name])
    lost = [part for part in parts if part.name in absent and part not in kept]
    listed, unlisted = _listed([part for part in parts if part.name not in absent])
    present = [part for part in parts if part.name in listed]
    same_code = _code(folder) == probing_code()
    trusted = present if same_code else [replace(part, previous=()) for part in present]
    entries = [listed[part.name] for part in present]
    found = probe_parts(
        trusted, entries, min_frames=min_frames, max_frames=max_frames, max_pixels=max_pixels, execution=execution,
        memory=memory,
    )  # fmt: skip
    rows: dict[str, Sequence[VideoRow]] = {part.name: part.previous for part in kept}
    rows |= {part.name: table for part, table in zip(present, found, strict=True)}
    for part, table in zip(present, found, strict=True):
        _write(_table(folder, part), format_rows(table))
    if not kept:  # else the kept tables are of the code that is named already
        _write(folder / CODE, f"{probing_code()}\n")
    known = [part for part in parts if part.name in rows]
    tables = [rows[part.name] for part in known]
    _write(folder / "report.csv", completeness.report(known, tables))
    _write(folder / "missing.csv", completeness.missing(known, tables))
    faults = (
        _not_there(lost, absent)
        + unlisted
        + completeness.faults(
            known,
            tables,
            missing_is_fatal=missing_is_fatal,
            contradictions_are_fatal=contradictions_are_fatal,
            max_unreadable_share=max_unreadable_share,
        )
    )
    faults += _leaks(known, tables, leak_free)
    if not lost and not unlisted:
        faults += one_class_faults(known, tables, trained)
    for sentence in completeness.larger(known, tables):
        logger.warning("%s", sentence)
    if faults:
        listed_faults = "\n".join(f"  - {fault}" for fault in faults)
        raise ValueError(f"the datasets are not as params.yaml says; see {folder}/report.csv:\n{listed_faults}")
    for part, rows_of_part in zip(known, tables, strict=True):
        usable = sum(row.usable for row in rows_of_part)
        logger.info("%s at %s: %d of %d videos are usable", part.dataset, part.quality, usable, len(rows_of_part))


def _not_there(lost: Sequence[Part], absent: Mapping[str, str]) -> list[str]:
    """One sentence per dataset that is not at its root, however many of its qualities are asked for."""
    qualities: dict[str, list[str]] = {}
    for part in lost:
        qualities.setdefault(part.dataset, []).append(part.quality)
    layouts = {part.dataset: (part.layout, absent[part.name]) for part in lost}
    return [
        f"datasets.{name} ({', '.join(asked)}) must be on disk; {layouts[name][1]}. To get it: "
        f"{layouts[name][0].how_to_get}. Then set datasets.{name}.root, or take its parts out of params.yaml."
        for name, asked in qualities.items()
    ]


def _listed(parts: Sequence[Part]) -> tuple[dict[str, list[VideoEntry]], list[str]]:
    """The videos of each part that can be listed, and what is wrong with the others, each fault once."""
    listed: dict[str, list[VideoEntry]] = {}
    faults: list[str] = []
    for part in parts:
        try:
            listed[part.name] = list_entries(part)
        except (FileNotFoundError, ValueError) as error:
            faults.append(str(error))
    return listed, list(dict.fromkeys(faults))


def _leaks(parts: Sequence[Part], tables: Sequence[Sequence[VideoRow]], tiers: Sequence[str]) -> list[str]:
    """One sentence where identities lie in two splits of a tier."""
    crossing: set[str] = set()
    for tier in tiers:
        seen = {
            (part.dataset, role, identity, row.split, row.forgery)
            for part, table in zip(parts, tables, strict=True)
            for row in table
            if row.usable and tier in (part.quality, ALL_QUALITIES)
            for role, identity in (("target", row.target), ("source", row.source))
        }
        crossing |= set(crossing_identities(seen))
    return [f"{leak_message(sorted(crossing))}, or set shard.leaks to tolerated."] if crossing else []


def _clear(folder: Path, parts: Sequence[Part]) -> None:
    """Delete inventories of other parts; what is no inventory stays."""
    wanted = {_table(folder, part) for part in parts}
    for path in sorted(set(folder.glob("*/*.csv")) - wanted):
        try:
            read_rows(path)
        except ValueError:
            continue
        path.unlink()
        logger.info("deleted %s, of a part that params.yaml no longer names", path)


def _code(folder: Path) -> str:
    path = folder / CODE
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


def _table(folder: Path, part: Part) -> Path:
    return folder / part.dataset / f"{part.quality}.csv"


def _earlier(folder: Path, part: Part) -> list[VideoRow]:
    path = _table(folder, part)
    try:
        return read_rows(path) if path.exists() else []
    except ValueError as error:
        logger.warning("%s; it is written anew", error)
        return []


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)
