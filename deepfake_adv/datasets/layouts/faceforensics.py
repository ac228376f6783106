"""FaceForensics++, and the corpus that the project makes in its layout."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from deepfake_adv.datasets.layouts.base import (
    Layout,
    child,
    faceforensics_forgeries,
    files_by_name,
    relative,
    video_names,
)
from deepfake_adv.datasets.layouts.published import Published
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import PAIRS, Tiny, put, swaps, write
from deepfake_adv.datasets.splits import read_pairs, splits_by_name
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.names import FAKE_LABEL, FF_FOLDERS, FF_FORGERIES, REAL, REAL_LABEL, Forgery, Quality, Split

_SPLITS = {Split.TRAIN: 720, Split.VAL: 140, Split.TEST: 140}
_GIGABYTES = {Quality.RAW: 500, Quality.C23: 10, Quality.C40: 2}  # all videos of originals and four forgeries
_KINDS = 5


@register_layout("faceforensics")
class FaceForensics(Layout):
    """Originals and their forgeries, named <target>_<source>, with one mask video for all qualities.

    Deepfakes and Face2Face are as long as their target, FaceSwap and NeuralTextures as the shorter of
    target and source. The raw quality is in the folder `raw` or, by the authors' helper scripts, in `c0`.

    Args:
        root: Folder with original_sequences and manipulated_sequences.
        forgeries: See `Layout`.
        options: See `Layout`.

    Raises:
        ValueError: If a forgery is none of FaceForensics++.
    """

    how_to_get: ClassVar[str] = (
        "ask for FaceForensics++ by the form that github.com/ondyari/FaceForensics names, then run the "
        "download script they send you: -d all -c c23 -t videos (and -t masks)"
    )

    class Params(Layout.Params):
        """Options of `faceforensics`."""

        splits: str | Path | None = Field(
            None,
            description="Folder of the dataset authors' train.json, val.json, test.json; null: splits/ at the root.",
        )

    params: Params
    own_forgeries = tuple(map(str, FF_FORGERIES))

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        super().__init__(root, forgeries, **options)
        self.splits = self.root / "splits" if self.params.splits is None else Path(self.params.splits)

    @classmethod
    def checked(cls, forgeries: Sequence[str]) -> tuple[str, ...]:
        """See `Layout.checked`."""
        return faceforensics_forgeries(forgeries or cls.own_forgeries)

    def published(self, quality: str) -> list[Published]:
        """1,000 videos of each kind, split 720, 140, 140; FaceSwap's and NeuralTextures' are no longer than these."""
        each = _GIGABYTES.get(Quality(quality), 0) * 1e9 / _KINDS / sum(_SPLITS.values()) or None
        return [
            Published(str(kind), split, count, each, masked=kind != REAL)
            for kind in (REAL, *self.forgeries)
            for split, count in _SPLITS.items()
        ]

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        if not child(self.root, "original_sequences").is_dir():
            return f"looked in {self.root}: it holds no folder original_sequences"
        return None

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        for split, pairs in PAIRS.items():
            write(root / "splits" / f"{split}.json", pairs)
        videos = swaps(["DF", "NT"])
        for forgery, _, name in (video.partition("/") for video in videos):
            folder = f"manipulated_sequences/{FF_FOLDERS[Forgery(forgery)]}" if forgery != REAL else ""
            put(root, [f"{folder or 'original_sequences/youtube'}/c23/videos/{name}.mp4"])
            put(root, [f"{folder}/masks/videos/{name}.mp4"] if folder else [])
        return Tiny(videos, ["DF", "NT"], {"splits": str(root / "splits")}, "c23")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every video of the authors' splits, then those on the disk that are in none."""
        reals, fakes = splits_by_name(read_pairs(self.splits))
        yield from self._folder(REAL, child(self.root, "original_sequences", "youtube"), quality, reals)
        for forgery in self.forgeries:
            folder = child(self.root, "manipulated_sequences", FF_FOLDERS[Forgery(forgery)])
            yield from self._folder(forgery, folder, quality, fakes)

    def _folder(self, forgery: str, folder: Path, quality: str, splits: Mapping[str, str]) -> Iterator[VideoEntry]:
        place = quality_folder(folder, quality)
        masks = child(folder, "masks", "videos")
        there = files_by_name(place)
        masked = set() if forgery == REAL else set(video_names(masks))
        for name in sorted(splits.keys() | there.keys()):
            file = there.get(name, f"{name}.mp4")
            mask = next((found for found in (file, f"{name}.mp4") if found in masked), None)
            target, _, source = name.partition("_")
            yield VideoEntry(
                video=f"{forgery}/{name}",
                label=REAL_LABEL if forgery == REAL else FAKE_LABEL,
                forgery=str(forgery),
                split=str(splits.get(name, "")),
                target=target,
                source=source,
                path=relative(place / file, self.root),
                mask_path=relative(masks / mask, self.root) if mask else "",
                note="" if name in splits else "in no split of the authors' files",
            )


def quality_folder(folder: Path, quality: str) -> Path:
    """The folder of a forgery's videos at a quality: <folder>/<quality>/videos, c0 also for raw."""
    place = child(folder, quality, "videos")
    if quality == Quality.RAW and not place.is_dir():
        other = child(folder, "c0", "videos")
        return other if other.is_dir() else place
    return place
