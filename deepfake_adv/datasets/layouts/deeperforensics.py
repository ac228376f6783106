"""DeeperForensics-1.0, whose real class is FaceForensics++'s originals, not its own source videos."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from deepfake_adv.datasets.layouts.base import Layout, child, files_by_name, listing, relative
from deepfake_adv.datasets.layouts.faceforensics import FaceForensics, quality_folder
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put, write
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.files import read_text
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Forgery, Quality, Split


@register_layout("deeperforensics")
class DeeperForensics(Layout):
    """Fakes TTT_<actor> on FaceForensics++'s video TTT, in eleven variants; reals are those TTT at c23.

    source_videos/ holds the actors in the studio: taken as reals, they would give the class away.
    The paid actors appear in several splits of the authors' lists; targets, FaceForensics++'s ids, do not.
    Those ids are split otherwise than in FaceForensics++: a detector trained there has seen some of them.

    Args:
        root: Folder with lists/ and manipulated_videos/.
        forgeries: See `Layout`.
        options: See `Layout`.
    """

    exact_identities: ClassVar[bool] = False
    how_to_get: ClassVar[str] = "ask for it by the form at github.com/EndlessSora/DeeperForensics-1.0"

    class Params(Layout.Params):
        """Options of `deeperforensics`."""

        originals: str | Path = Field(description="Root of FaceForensics++, for the reals.")
        variant: str = Field(
            "end_to_end", description="Folder in manipulated_videos, such as end_to_end or end_to_end_level_3."
        )

    params: Params

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        super().__init__(root, forgeries, **options)
        self.originals, self.variant = Path(self.params.originals), self.params.variant

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        if not self.originals.is_dir():
            return f"looked for FaceForensics++'s originals, its reals, in {self.originals}: there is no such folder"
        variants = listing(child(self.root, "manipulated_videos"))
        if self.variant not in variants:
            return f"looked in {self.root}: manipulated_videos must hold {self.variant}; got {', '.join(variants)}"
        return None

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        originals = root / "FaceForensics++"
        FaceForensics.tiny(originals)
        listed = {"train": [("000", "M1"), ("001", "W2")], "val": [("004", "M1")], "test": [("006", "W2")]}
        videos: dict[str, tuple[str, str, str]] = {}
        for split, pairs in listed.items():
            names = ["_".join(pair) for pair in pairs]
            write(root / f"lists/splits/{split}.txt", "".join(f"{name}.mp4\n" for name in names))
            put(root, [f"manipulated_videos/end_to_end/{name}.mp4" for name in names])
            for target, source in pairs:
                videos[f"real/{target}"] = (split, target, "")
                videos[f"DFR/{target}_{source}"] = (split, target, source)
        return Tiny(videos, ["DFR"], {"originals": str(originals)}, "native")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """The targets of the authors' lists, then the fakes on them.

        Raises:
            FileNotFoundError: If a list of the splits is not there.
            ValueError: If a target is in two splits.
        """
        listed = self._listed()
        reals: dict[str, str] = {}
        for name, split in listed.items():
            target = name.partition("_")[0]
            if reals.setdefault(target, split) != split:
                raise ValueError(
                    f"a target must be in one split of DeeperForensics; {target} is in {reals[target]} and {split}. "
                    "Take lists/splits as it ships."
                )
        real_folder = quality_folder(child(self.originals, "original_sequences", "youtube"), Quality.C23)
        real_files = files_by_name(real_folder)
        for target, split in sorted(reals.items()):
            path = relative(real_folder / real_files.get(target, f"{target}.mp4"), self.root)
            yield VideoEntry(f"{REAL}/{target}", REAL_LABEL, REAL, split, target, "", path)
        folder = child(self.root, "manipulated_videos", self.variant)
        fake_files = files_by_name(folder)
        for name in sorted(listed.keys() | fake_files.keys()):
            target, _, source = name.partition("_")
            yield VideoEntry(
                video=f"{Forgery.DFR}/{name}",
                label=FAKE_LABEL,
                forgery=Forgery.DFR,
                split=listed.get(name, ""),
                target=target,
                source=source,
                path=relative(folder / fake_files.get(name, f"{name}.mp4"), self.root),
                note="" if name in listed else "in none of lists/splits",
            )

    def _listed(self) -> dict[str, str]:
        listed: dict[str, str] = {}
        for split in Split:
            path = child(self.root, "lists", "splits", f"{split}.txt")
            if not path.is_file():
                raise FileNotFoundError(f"{path} must be there; found nothing. It ships with the dataset: fetch it.")
            for line in read_text(path).split():
                listed[Path(line).stem] = str(split)
        return listed
