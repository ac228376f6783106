"""SLADD's image folders: frames of FaceForensics++ that somebody extracted already."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

from deepfake_adv.datasets.layouts.base import Layout, child, faceforensics_forgeries, listing, relative
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import PAIRS, Tiny, put, swaps, write
from deepfake_adv.datasets.splits import read_pairs, splits_by_name
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Split

CONFIG_FILES: Final = {Split.TRAIN: "train.json", Split.VAL: "eval.json", Split.TEST: "test.json"}


@register_layout("sladd")
class SladdLayout(Layout):
    """image/{FF-DF, FF-F2F, FF-FS, FF-NT, real}/<id>/0001.png, mask/.../<id>/0001_mask.png, config/*.json.

    A folder is a video, the i-th of its images is frame i: the true index is not recorded.

    Args:
        root: Folder with image, mask and config (data/FF in SLADD's own tree).
        forgeries: See `Layout`.
        options: See `Layout`.
    """

    how_to_get: ClassVar[str] = (
        "write it from our own crops with `deepfake-adv export-frames`, or arrange frames as the README of "
        "github.com/liangchen527/SLADD draws it"
    )

    @classmethod
    def checked(cls, forgeries: Sequence[str]) -> tuple[str, ...]:
        """See `Layout.checked`."""
        return faceforensics_forgeries(forgeries)

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        lacking = [name for name in ("image", "config") if not child(self.root, name).is_dir()]
        return f"looked in {self.root}: it holds no folder {' and no folder '.join(lacking)}" if lacking else None

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        for split, file in CONFIG_FILES.items():
            write(root / "config" / file, PAIRS[split])
        videos = swaps(["NT"])
        for forgery, _, name in (video.partition("/") for video in videos):
            folder = REAL if forgery == REAL else f"FF-{forgery}"
            put(root, [f"image/{folder}/{name}/0001.png"])
            put(root, [f"mask/{folder}/{name}/0001_mask.png"] if forgery != REAL else [])
        return Tiny(videos, ["NT"], {}, "native")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every folder that the pairs of config/ ask for, then those that are there besides."""
        reals, fakes = splits_by_name(read_pairs(child(self.root, "config"), CONFIG_FILES))
        yield from self._folder(REAL, REAL, reals)
        for forgery in self.forgeries:
            yield from self._folder(forgery, f"FF-{forgery}", fakes)

    def _folder(self, forgery: str, folder: str, splits: dict[str, str]) -> Iterator[VideoEntry]:
        place, masks = child(self.root, "image", folder), child(self.root, "mask", folder)
        masked = _folders(masks)
        for name in sorted(splits.keys() | _folders(place)):
            target, _, source = name.partition("_")
            yield VideoEntry(
                video=f"{forgery}/{name}",
                label=REAL_LABEL if forgery == REAL else FAKE_LABEL,
                forgery=str(forgery),
                split=splits.get(name, ""),
                target=target,
                source=source,
                path=relative(place / name, self.root),
                mask_path=relative(masks / name, self.root) if name in masked else "",
                note="" if name in splits else "in none of config/*.json",
            )


def _folders(parent: Path) -> set[str]:
    """Names of the folders in a folder; files such as .DS_Store and Thumbs.db, and hidden folders, are none."""
    return {name for name in listing(parent) if not name.startswith(".") and (parent / name).is_dir()}
