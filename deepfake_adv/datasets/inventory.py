"""Stage `inventory`: lists and probes the videos of every part, writes tables and reports, and checks them."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deepfake_adv.datasets import completeness
from deepfake_adv.datasets.classes import Trained, one_class_errors
from deepfake_adv.datasets.probing import MEMORY, PartOnDisk, list_entries, probe_parts, probing_code
from deepfake_adv.datasets.splits import crossing_identities, leak_message
from deepfake_adv.datasets.videos import VideoEntry, VideoRow, format_rows, read_rows
from deepfake_adv.files import write_text
from deepfake_adv.names import ALL_QUALITIES

logger = logging.getLogger(__name__)

CODE = "code.txt"


def inventory_datasets(
    parts: Sequence[PartOnDisk],
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
    beside: Sequence[str] = (),
    memory: Path = MEMORY,
) -> None:
    """Write ``<dataset>/<quality>.csv`` per part, report.csv and missing.csv into `folder`.

    A table that did not change is not written again; that of a part that params.yaml no longer names is deleted:
    stages depend on the whole folder. code.txt has the digest of the code that probed the videos: tables of other code
    are rebuilt. A dataset that is not at its root keeps the table of an earlier inventory if missing videos are
    tolerated, so that a clone without the videos can be used.

    Args:
        parts: What to list.
        folder: Folder to write into.
        min_frames: A video with fewer frames counts as too short.
        missing_is_fatal: Whether a missing video is an error.
        contradictions_are_fatal: Whether copies with both labels are an error.
        max_unreadable_share: Largest tolerated share of videos that cannot be read.
        execution: `workers`, `engine` and `address` for `map_tasks`.
        max_frames: A video with more frames is left out and logged; None for no limit.
        max_pixels: The same for a video whose frames have more pixels.
        trained: The tier and the conditions of each run.
        leak_free: Tiers in which no identity may be in two splits; `shard` would stop there, after all crops are cut.
        beside: What else would stop the data path hours later, one sentence each; reported with the rest.
        memory: Folder of this machine's cache of facts.

    Raises:
        ValueError: If two parts are the same, a dataset is missing, cannot be listed or lacks more than is tolerated,
            copies have both labels, an identity crosses splits, or a run's condition has one class only. Names every
            error; the tables of the existing parts are written before.
    """
    twice = [name for name, times in Counter(part.name for part in parts).items() if times > 1]
    if twice:
        raise ValueError(
            f"parts must each be another dataset or quality; got {', '.join(twice)} twice. Remove one of them."
        )
    _delete_other_tables(folder, parts)
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
    if not kept:  # else the kept tables are those of the code in the file
        _write(folder / CODE, f"{probing_code()}\n")
    known = [part for part in parts if part.name in rows]
    tables = [rows[part.name] for part in known]
    _write(folder / "report.csv", completeness.report_csv(known, tables))
    _write(folder / "missing.csv", completeness.missing_csv(known, tables))
    errors = (
        _missing_datasets(lost, absent)
        + unlisted
        + completeness.errors(
            known,
            tables,
            missing_is_fatal=missing_is_fatal,
            contradictions_are_fatal=contradictions_are_fatal,
            max_unreadable_share=max_unreadable_share,
        )
    )
    errors += _leaks(known, tables, leak_free)
    if not lost and not unlisted:
        errors += one_class_errors(known, tables, trained)
    errors += beside
    for sentence in completeness.too_large(known, tables):
        logger.warning("%s", sentence)
    if errors:
        listed_errors = "\n".join(f"  - {error}" for error in errors)
        raise ValueError(f"the datasets must match params.yaml; see {folder}/report.csv:\n{listed_errors}")
    for part, rows_of_part in zip(known, tables, strict=True):
        usable = sum(row.usable for row in rows_of_part)
        logger.info("%s at %s: %d of %d videos are usable", part.dataset, part.quality, usable, len(rows_of_part))


def _missing_datasets(lost: Sequence[PartOnDisk], absent: Mapping[str, str]) -> list[str]:
    """One sentence per dataset that is not at its root, with the qualities of its parts."""
    qualities: dict[str, list[str]] = {}
    for part in lost:
        qualities.setdefault(part.dataset, []).append(part.quality)
    layouts = {part.dataset: (part.layout, absent[part.name]) for part in lost}
    return [
        f"datasets.{name} ({', '.join(asked)}) must be on disk; {layouts[name][1]}. To get it: "
        f"{layouts[name][0].how_to_get}. Then set datasets.{name}.root, or take its parts out of params.yaml."
        for name, asked in qualities.items()
    ]


def _listed(parts: Sequence[PartOnDisk]) -> tuple[dict[str, list[VideoEntry]], list[str]]:
    """The videos of each part that can be listed, and the errors of the others, each once."""
    listed: dict[str, list[VideoEntry]] = {}
    errors: list[str] = []
    for part in parts:
        try:
            listed[part.name] = list_entries(part)
        except (FileNotFoundError, ValueError) as error:
            errors.append(str(error))
    return listed, list(dict.fromkeys(errors))


def _leaks(parts: Sequence[PartOnDisk], tables: Sequence[Sequence[VideoRow]], tiers: Sequence[str]) -> list[str]:
    """One sentence where identities are in two splits of a tier."""
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


def _delete_other_tables(folder: Path, parts: Sequence[PartOnDisk]) -> None:
    """Delete inventories of other parts; files that are no inventory stay."""
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


def _table(folder: Path, part: PartOnDisk) -> Path:
    return folder / part.dataset / f"{part.quality}.csv"


def _earlier(folder: Path, part: PartOnDisk) -> list[VideoRow]:
    path = _table(folder, part)
    try:
        return read_rows(path) if path.exists() else []
    except ValueError as error:
        logger.warning("%s; it is written again", error)
        return []


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)
