"""Amount of work: videos, frames and crops of every part, from its inventory or its layout's published numbers."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deepfake_adv.datasets.layouts.published import Published
from deepfake_adv.datasets.layouts.registry import build_layout
from deepfake_adv.datasets.videos import VideoRow, read_rows
from deepfake_adv.names import REAL, Condition, Forgery, Quality, Split
from deepfake_adv.params.corpus import Corpus
from deepfake_adv.params.datasets import FrameCounts
from deepfake_adv.params.schema import Params

INVENTORY: Final = Path("data/inventory")
REPORT: Final = INVENTORY / "report.csv"
CORPUS: Final = Path("data/corpus")
_LED_BY: Final = (Quality.C23, Quality.NATIVE, Quality.RAW, Quality.C40)  # quality that a group's faces are located in
_OWN_TRACK: Final = (Forgery.DFD,)
_FURTHER: Final = {"dfd": ("dfd_pairs", 4, 4), "celebdf": ("celebdf_pairs", 3, 2)}
"""By layout: the corpus's key of pairs, and the reals and fakes that a pair gives."""


@dataclass(frozen=True)
class Videos:
    """Videos of one forgery in one split; all but `count` are means over them.

    Attributes:
        forgery: "real" or a `Forgery`.
        split: "train", "val" or "test".
        count: Number of videos.
        frames: Frames of a video.
        sampled: Sampled frames of a video.
        megapixels: Megapixels of a frame.
        side: The frame's shorter side, pixels.
        megabytes: Megabytes of the file.
        masked: Share of videos that have a mask video.
    """

    forgery: str
    split: str
    count: int
    frames: float
    sampled: float
    megapixels: float
    side: float
    megabytes: float
    masked: float

    @property
    def crops(self) -> float:
        """Largest number of crops of these videos."""
        return self.count * self.sampled


@dataclass(frozen=True)
class PartLoad:
    """One dataset at one quality.

    Attributes:
        name: Name of the part.
        dataset: Its dataset.
        quality: Its quality.
        source: "inventory", "corpus" or "published": where the numbers are from.
        listed: Videos that the inventory checks, including those in no split.
        listed_megabytes: Megabytes of all of these.
        videos: Videos that later stages use.
        targets: Videos that faces are located in; the others share their boxes.
    """

    name: str
    dataset: str
    quality: str
    source: str
    listed: int
    listed_megabytes: float
    videos: tuple[Videos, ...]
    targets: int

    @property
    def count(self) -> int:
        """Videos that later stages use."""
        return sum(group.count for group in self.videos)

    def crops(self, split: str | None = None, forgeries: Iterable[str] | None = None) -> float:
        """Largest number of crops: one per sampled frame."""
        wanted = None if forgeries is None else set(forgeries)
        return sum(
            group.crops
            for group in self.videos
            if split in (None, group.split) and (wanted is None or group.forgery in wanted)
        )


@dataclass(frozen=True)
class Workload:
    """All parts of a profile, and a sentence for everything that is not known about them."""

    parts: tuple[PartLoad, ...]
    unknown: tuple[str, ...] = ()

    def datasets(self) -> dict[str, list[PartLoad]]:
        """Parts by dataset; the quality that faces are located in comes first."""
        found: dict[str, list[PartLoad]] = defaultdict(list)
        order = [str(quality) for quality in _LED_BY]
        for part in sorted(self.parts, key=lambda part: order.index(part.quality)):
            found[part.dataset].append(part)
        return dict(found)

    def tier(self, name: str) -> list[PartLoad]:
        """Parts of a quality tier, or all parts."""
        return [part for part in self.parts if name in (part.quality, "all")]

    def of_condition(self, tier: str, condition: Condition, split: str) -> tuple[float, float]:
        """Reals and fakes of a condition in a tier's manifest, as crops."""
        reals = fakes = 0.0
        for part in self.tier(tier):
            if condition.qualities() in (None, (part.quality,)):
                found = part.crops(split, condition.forgeries())
                fakes += found
                reals += part.crops(split, (REAL,)) if found else 0
        return reals, fakes


def read_workload(params: Params, root: Path = Path()) -> Workload:
    """Read the inventories; without one, use the numbers of the section corpus and of the layouts.

    Args:
        params: Params of a profile.
        root: Folder of the project.

    Raises:
        ValueError: If an inventory is damaged, or a layout's option is wrong.
    """
    parts, unknown = [], []
    for name, part in params.parts.items():
        dataset, quality = params.datasets[part.dataset], str(part.quality)
        table = root / INVENTORY / part.dataset / f"{quality}.csv"
        own = params.corpus.source != "none" and (root / dataset.root).resolve().is_relative_to(
            (root / CORPUS).resolve()
        )
        layout = build_layout(dataset.layout, root / dataset.root, dataset.forgeries, dataset.options)
        kinds = list(map(str, layout.forgeries or layout.own_forgeries))
        published = _corpus(params.corpus, dataset.layout, kinds) if own else layout.published(quality)
        listed_there = read_rows(table) if table.is_file() else []
        # of our own corpus in another size, as another profile makes it, the inventory says nothing; nor of a dataset
        # that has the name of the profile's, but of which other numbers were published
        if own:
            other = len(listed_there) != sum(each.videos for each in published)
        else:
            other = _expects_others(root / REPORT, part.dataset, quality, layout.expected(quality))
        if table.is_file() and not other:
            rows = [row for row in listed_there if row.status != "missing"]
            counted = [_row(row) for row in rows]
            groups = _grouped((kind for kind, row in zip(counted, rows, strict=True) if row.usable), dataset.frames)
            targets = _targets(row for row in rows if row.usable)
            source = "inventory"
        else:
            source = "corpus" if own else "published"
            if not published:
                unknown.append(
                    f"{name}: the size of a dataset of layout {dataset.layout} is not known. "
                    "Put it on the disk and run `dvc repro outside/dvc.yaml:inventory`."
                )
            counted = [_published(each) for each in published]
            groups = _grouped((kind for kind in counted if kind[1]), dataset.frames)
            targets = sum(kind[2] for kind in counted if kind[1] and kind[0] in (REAL, *_OWN_TRACK))
        listed, megabytes = sum(kind[2] for kind in counted), sum(kind[2] * kind[6] for kind in counted)
        parts.append(PartLoad(name, part.dataset, quality, source, listed, megabytes, groups, targets))
    return Workload(tuple(parts), tuple(unknown))


def _expects_others(report: Path, dataset: str, quality: str, published: Mapping[str, int]) -> bool:
    """Whether an inventory's report expects other numbers of videos than the layout."""
    if not published or not report.is_file():
        return False
    with open(report, encoding="utf-8", newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if (line["dataset"], line["quality"]) == (dataset, quality)]
    return bool(lines) and {line["forgery"]: int(line["expected"]) for line in lines} != dict(published)


_Kind = tuple[str, str, int, float, int, int, float, float]
"""Forgery, split, count, frames, width, height, megabytes, share with masks."""


def _row(row: VideoRow) -> _Kind:
    size = (row.frames, row.width, row.height, row.bytes / 1e6)
    return row.forgery, row.split, 1, *size, float(bool(row.mask_path))  # type: ignore[return-value]


def _published(kind: Published) -> _Kind:
    megabytes = (kind.bytes or 0) / 1e6
    return (
        kind.forgery, str(kind.split), kind.videos, kind.frames, kind.width, kind.height, megabytes, float(kind.masked)
    )  # fmt: skip


def _corpus(corpus: Corpus, layout: str, forgeries: Sequence[str]) -> list[Published]:
    """The output of the stage `corpus`: videos of each split that a pair gives, real and by each forgery."""
    side = corpus.size if corpus.source == "procedural" else corpus.max_shorter_side
    pairs: Mapping[str, int] = corpus.pairs.model_dump()
    per_pair = {REAL: 2, **dict.fromkeys(forgeries, 2)}
    if layout in _FURTHER:
        count, per_real, per_fake = _FURTHER[layout]
        pairs, per_pair = {Split.TEST: getattr(corpus, count)}, {REAL: per_real, **dict.fromkeys(forgeries, per_fake)}
    masked = layout != "celebdf"
    return [
        Published(kind, split, each * pairs[split], None, corpus.frames, side, side, masked and kind != REAL)
        for kind, each in per_pair.items()
        for split in Split
        if pairs.get(split, 0)
    ]


def _grouped(kinds: Iterable[_Kind], frames: FrameCounts) -> tuple[Videos, ...]:
    """Groups of equal videos."""
    found: dict[tuple[str, str], list[_Kind]] = defaultdict(list)
    for kind in kinds:
        found[kind[0], kind[1]].append(kind)
    return tuple(_means(*key, members, getattr(frames, key[1])) for key, members in found.items())


def _means(forgery: str, split: str, members: Sequence[_Kind], wanted: int) -> Videos:
    count = sum(member[2] for member in members)

    def mean(values: Iterator[float]) -> float:
        return sum(value * member[2] for value, member in zip(values, members, strict=True)) / max(count, 1)

    return Videos(
        forgery,
        split,
        count,
        frames=mean(member[3] for member in members),
        sampled=mean(min(member[3], wanted) for member in members),
        megapixels=mean(member[4] * member[5] / 1e6 for member in members),
        side=mean(min(member[4], member[5]) for member in members),
        megabytes=mean(member[6] for member in members),
        masked=mean(member[7] for member in members),
    )


def _targets(rows: Iterable[VideoRow]) -> int:
    """Videos that faces are located in: originals, fakes whose original is missing, and all of DFD's."""
    usable = list(rows)
    originals = {row.video for row in usable if row.forgery == REAL}
    alone = [row for row in usable if row.forgery in _OWN_TRACK or f"{REAL}/{row.target}" not in originals]
    return len(originals) + sum(row.forgery != REAL for row in alone)
