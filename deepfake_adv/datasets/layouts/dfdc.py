"""The Deepfake Detection Challenge: training parts with metadata.json, test videos with labels.csv."""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from deepfake_adv.datasets.layouts.base import Layout, child, listing, relative, video_names
from deepfake_adv.datasets.layouts.published import Published
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put, write
from deepfake_adv.datasets.tables import csv_errors
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.files import read_json, read_text
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Forgery, Split

logger = logging.getLogger(__name__)

_CLIPS = {REAL: 19_154, str(Forgery.DFDC): 100_000}  # of the training parts; the authors' paper
_PARTS = 50
_BYTES = 472e9 / 119_154  # of a clip of ten seconds
_PART = "dfdc_train_part_"


@register_layout("dfdc")
class DFDC(Layout):
    """Training parts are split by folder, as no actor is in two of them; the official test set is the test split.

    Args:
        root: Folder with dfdc_train_part_N (or train/dfdc_train_part_N) and with labels.csv beside the
            test videos, in test/ or in videos/.
        forgeries: See `Layout`.
        options: See `Layout`.

    Raises:
        ValueError: If a range is not two numbers, or two ranges overlap.
    """

    how_to_get: ClassVar[str] = "download it from ai.meta.com/datasets/dfdc after registering"

    class Params(Layout.Params):
        """Options of `dfdc`: first and last training part of each split; empty for none."""

        train: list[int] = Field([0, 34], max_length=2, description="Parts for training.")
        val: list[int] = Field([35, 39], max_length=2, description="Parts for validation.")
        test: list[int] = Field([40, 49], max_length=2, description="Parts for testing, with the official test set.")

    params: Params

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        super().__init__(root, forgeries, **options)
        train, val, test = self.params.train, self.params.val, self.params.test
        self.splits: dict[int, str] = {}
        for split, ends in ((Split.TRAIN, train), (Split.VAL, val), (Split.TEST, test)):
            if len(ends) not in (0, 2):
                raise ValueError(f"options.{split} must be [first, last] or []; got {list(ends)}. Correct it.")
            for part in range(ends[0], ends[1] + 1) if ends else ():
                if self.splits.setdefault(part, split) != split:
                    raise ValueError(
                        f"a training part must be in one split; {part} is in {self.splits[part]} and {split}. "
                        "Correct options.train, val and test."
                    )

    def published(self, quality: str) -> list[Published]:
        """The training parts, each an equal share; and in addition the official test set."""
        shares = {split: sum(own == split for own in self.splits.values()) / _PARTS for split in Split}
        return [
            Published(kind, split, round(count * share), _BYTES, frames=300, width=1920, height=1080)
            for kind, count in _CLIPS.items()
            for split, share in shares.items()
            if share
        ]

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        if not self._parts() and self._labels() is None:
            return f"looked in {self.root}: it holds neither {_PART}N nor labels.csv"
        return None

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        videos = {"real/t0": ("test", "t0", ""), "DFDC/t1": ("test", "t1", "")}
        for part, split, real in ((0, "train", "aa"), (35, "val", "bb"), (40, "test", "cc")):
            folder, fake = f"{_PART}{part}", f"{real}f"
            put(root, [f"{folder}/{real}.mp4", f"{folder}/{fake}.mp4"])
            facts = {"label": "FAKE", "split": "train", "original": f"{real}.mp4"}
            write(root / folder / "metadata.json", {f"{real}.mp4": {"label": "REAL"}, f"{fake}.mp4": facts})
            videos |= {f"real/{real}": (split, real, ""), f"DFDC/{fake}": (split, real, "")}
        put(root, ["test/videos/t0.mp4", "test/videos/t1.mp4"])
        write(root / "test/labels.csv", "filename,label\nt0.mp4,0\nt1.mp4,1\n")
        return Tiny(videos, ["DFDC"], {}, "native")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every video that a metadata.json or labels.csv names, then those that none does."""
        for number, folder in self._parts().items():
            yield from self._part(folder, str(self.splits.get(number, "")))
        labels = self._labels()
        if labels is not None:
            yield from self._test(labels)

    def _parts(self) -> dict[int, Path]:
        places = [self.root, child(self.root, "train")]
        names = [(place, name) for place in places for name in listing(place) if name.casefold().startswith(_PART)]
        numbered: dict[int, Path] = {}
        for place, name in names:
            if not name[len(_PART) :].isdecimal():
                continue
            number = int(name[len(_PART) :])
            if numbered.setdefault(number, place / name) != place / name:
                raise ValueError(
                    f"a training part must be in one place; got {numbered[number]} and {place / name}. Remove one."
                )
            if not name.startswith(_PART):
                logger.warning("%s is written %s here; taken all the same", place / f"{_PART}{number}", name)
        return dict(sorted(numbered.items()))

    def _labels(self) -> Path | None:
        places = [self.root, child(self.root, "test")]
        return next((place / "labels.csv" for place in places if (place / "labels.csv").is_file()), None)

    def _part(self, folder: Path, split: str) -> Iterator[VideoEntry]:
        path = folder / "metadata.json"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} must exist; found nothing. It ships with the part: download it, or remove the folder."
            )
        metadata = read_json(path)
        if not isinstance(metadata, Mapping):
            raise ValueError(
                f'{path} must be an object {{"<video>": {{"label": "REAL" or "FAKE"}}, ...}}; got {metadata!r:.60}. '
                "Take the file as it ships."
            )
        for name in sorted(metadata.keys() | set(video_names(folder))):
            facts = metadata.get(name)
            note = "" if split else "in none of the ranges of options.train, val and test"
            if facts is None:
                yield self._entry(folder / name, {"label": "REAL"}, "", "not in metadata.json, so of unknown label")
            elif not isinstance(facts, Mapping) or facts.get("label") not in ("REAL", "FAKE"):
                raise ValueError(
                    f'{path} must give {{"label": "REAL" or "FAKE"}} for {name}; got {facts!r}. '
                    "Take the file as it ships."
                )
            elif not isinstance(facts.get("original") or "", str):
                raise ValueError(
                    f"{path} must name the original of {name} by its file; got {facts['original']!r}. "
                    "Take the file as it ships."
                )
            else:
                yield self._entry(folder / name, facts, split, note)

    def _test(self, labels: Path) -> Iterator[VideoEntry]:
        folder = labels.parent / "videos" if (labels.parent / "videos").is_dir() else labels.parent
        given: dict[str, str] = {}
        with StringIO(read_text(labels), newline="") as stream, csv_errors(labels):
            reader = csv.DictReader(stream)
            if not {"filename", "label"} <= set(reader.fieldnames or ()):
                raise ValueError(
                    f"{labels} must have the columns filename,label; got {reader.fieldnames}. Take it as it ships."
                )
            for line in reader:
                name, label = line["filename"], line["label"]
                if given.setdefault(name, label) != label:
                    raise ValueError(
                        f"{labels} must give {name} one label; got {given[name]!r} and {label!r}. Take it as it ships."
                    )
        for name in sorted(given.keys() | set(video_names(folder))):
            if name not in given:
                yield self._entry(folder / name, {"label": "REAL"}, "", "not in labels.csv, so of unknown label")
            elif given[name] not in ("0", "1"):
                raise ValueError(
                    f"{labels} must give 0 (real) or 1 (fake) for {name}; got {given[name]!r}. Take it as it ships."
                )
            else:
                label = "FAKE" if given[name] == "1" else "REAL"
                yield self._entry(folder / name, {"label": label}, Split.TEST, "")

    def _entry(self, path: Path, facts: Mapping[str, str], split: str, note: str) -> VideoEntry:
        fake = facts["label"] == "FAKE"
        forgery = Forgery.DFDC if fake else REAL
        return VideoEntry(
            video=f"{forgery}/{path.stem}",
            label=FAKE_LABEL if fake else REAL_LABEL,
            forgery=forgery,
            split=str(split),
            target=Path(facts.get("original") or path.name).stem,
            source="",
            path=relative(path, self.root),
            note=note,
        )
