"""How complete a dataset is: counts per forgery, the missing videos, and what stops the pipeline."""

from collections.abc import Sequence
from typing import Final

from deepfake_adv.datasets import videos
from deepfake_adv.datasets.probing import PartOnDisk
from deepfake_adv.datasets.videos import VideoRow
from deepfake_adv.files import csv_text

REPORT_COLUMNS: Final = (
    "dataset",
    "quality",
    "forgery",
    "present",
    "expected",
    "missing",
    "unreadable",
    "empty",
    "duplicate",
    "contradictory",
    "too_short",
    "too_large",
)
MISSING_COLUMNS: Final = ("dataset", "quality", "forgery", "video", "path", "note")
_EXAMPLES = 3
_SIZES = (videos.TOO_SHORT, videos.TOO_LARGE)


def report_csv(parts: Sequence[PartOnDisk], rows: Sequence[Sequence[VideoRow]]) -> str:
    """Counts per dataset, quality and forgery as CSV text."""
    lines = []
    for part, found in zip(parts, rows, strict=True):
        for forgery, counts in _counts(part, found).items():
            lines.append((part.dataset, part.quality, forgery, *(counts[name] for name in REPORT_COLUMNS[3:])))
    return csv_text(REPORT_COLUMNS, lines)


def missing_csv(parts: Sequence[PartOnDisk], rows: Sequence[Sequence[VideoRow]]) -> str:
    """Every missing video as CSV text.

    Where a dataset publishes only numbers of videos, one line per forgery has the number of missing ones.
    """
    lines: list[tuple[object, ...]] = []
    for part, found in zip(parts, rows, strict=True):
        absent = [row for row in found if row.status == videos.MISSING]
        lines += [(part.dataset, part.quality, row.forgery, row.video, row.path, row.note) for row in absent]
        for forgery, counts in _counts(part, found).items():
            nameless = counts["missing"] - sum(row.forgery == forgery for row in absent)
            if nameless:
                note = f"{nameless} more of the {counts['expected']} published"
                lines.append((part.dataset, part.quality, forgery, "", "", note))
    return csv_text(MISSING_COLUMNS, lines)


def too_large(parts: Sequence[PartOnDisk], rows: Sequence[Sequence[VideoRow]]) -> list[str]:
    """Videos that are left out as too large, one sentence per part that has some."""
    sentences = []
    for part, listed in zip(parts, rows, strict=True):
        found = [row for row in listed if row.status == videos.TOO_LARGE]
        if found:
            examples = ", ".join(f"{row.path} ({row.note})" for row in found[:_EXAMPLES])
            sentences.append(
                f"{part.dataset} at {part.quality}: {len(found)} of {len(listed)} videos are left out as too large, "
                f"such as {examples}. Cut or shrink them, or raise inventory.max_frames or inventory.max_pixels"
            )
    return sentences


def errors(
    parts: Sequence[PartOnDisk],
    rows: Sequence[Sequence[VideoRow]],
    *,
    missing_is_fatal: bool,
    contradictions_are_fatal: bool,
    max_unreadable_share: float,
) -> list[str]:
    """What stops the pipeline, one sentence each; empty where everything is complete or tolerated."""
    found = []
    for part, listed in zip(parts, rows, strict=True):
        where = f"{part.dataset} at {part.quality}"
        there = [row for row in listed if row.status != videos.MISSING]
        lost = {forgery: counts["missing"] for forgery, counts in _counts(part, listed).items()}
        total = sum(lost.values())
        bad = [row for row in there if row.status in (videos.UNREADABLE, videos.EMPTY)]
        if not there:
            place = f"looked for {part.layout.root / listed[0].path if listed else part.layout.root}"
            found.append(
                f"{where}: there must be videos; got none, {place}. Download them ({part.layout.how_to_get}), "
                "or take the part out of parts."
            )
        elif total and missing_is_fatal:
            each = ", ".join(f"{forgery} {count}" for forgery, count in lost.items() if count)
            found.append(
                f"{where}: all videos must exist; {total} are missing ({each}), listed in missing.csv. "
                "Download them, or set inventory.missing to tolerated."
            )
        if len(bad) > max_unreadable_share * len(there):
            examples = ", ".join(f"{row.path} ({row.note or row.status})" for row in bad[:_EXAMPLES])
            found.append(
                f"{where}: at most {max_unreadable_share:.1%} of the videos may be unreadable or empty; got "
                f"{len(bad)} of {len(there)}, such as {examples}; {sum(row.usable for row in listed)} are usable. Copy "
                "them again, or raise inventory.max_unreadable_share; later stages do not count them."
            )
        contradictory = [row for row in there if row.status == videos.CONTRADICTORY]
        if contradictory and contradictions_are_fatal:
            examples = ", ".join(f"{row.path} ({row.note})" for row in contradictory[:_EXAMPLES])
            found.append(
                f"{where}: a video must have one label; got {len(contradictory)} whose copies have another label, "
                f"such as {examples}. Correct the labels, or set inventory.contradictions to tolerated, which leaves "
                "both out."
            )
        if there and len(bad) <= max_unreadable_share * len(there) and not any(row.usable for row in listed):
            found.append(
                f"{where}: at least one video must be usable; got {len(there)}, all too short, too large or in no "
                f"split. See the notes in {part.dataset}/{part.quality}.csv."
            )
    return found


def _counts(part: PartOnDisk, rows: Sequence[VideoRow]) -> dict[str, dict[str, int]]:
    published = part.layout.expected(part.quality)
    forgeries = dict.fromkeys([*(row.forgery for row in rows), *published])
    result = {}
    for forgery in forgeries:
        statuses = [row.status for row in rows if row.forgery == forgery]
        absent = statuses.count(videos.MISSING)
        present, expected = len(statuses) - absent, max(len(statuses), published.get(forgery, 0))
        result[forgery] = {"present": present, "expected": expected, "missing": expected - present}
        for status in (videos.UNREADABLE, videos.EMPTY, videos.DUPLICATE, videos.CONTRADICTORY, *_SIZES):
            result[forgery][status] = statuses.count(status)
    return result
