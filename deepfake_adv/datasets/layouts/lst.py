"""The .lst files of the paper's own release: frames extracted already, named line by line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field

from deepfake_adv.datasets.layouts.base import Layout, listing
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put, write
from deepfake_adv.datasets.videos import VideoEntry, format_ranges, join_notes
from deepfake_adv.files import read_text
from deepfake_adv.names import FAKE_LABEL, FF_FOLDERS, REAL, REAL_LABEL, Quality, Split
from deepfake_adv.video.errors import VideoError
from deepfake_adv.video.folder import images

_LINE: Final = re.compile(
    r"(?P<folder>[^/\s]+)_(?P<quality>[^_/\s]+)/(?P<video>[^/\s]+)(?:/(?P<file>[^/\s]*))? (?P<label>REAL|FAKE)"
)
_FORGERIES: Final = {folder: str(forgery) for forgery, folder in FF_FOLDERS.items()} | {"original": REAL}
_QUALITIES: Final = {"c0": str(Quality.RAW)}


@dataclass
class _Listed:
    """One folder of frames as the lists name it."""

    split: str
    files: set[str] = field(default_factory=set)


@register_layout("lst")
class ReleaseLists(Layout):
    """Lines <dir>_<quality>/<video>/<video>_<frame>_<face>.png REAL|FAKE, or lines of whole folders.

    The lists give the videos, their splits, and the images of each folder that are its frames; a note counts the other
    images. Only images of face index 0 count. Repeated lines (the release balances by repeating reals) count once.

    Args:
        root: Folder with <dir>_<quality>.
        forgeries: See `Layout`.
        options: See `Layout`.

    Raises:
        ValueError: If a key of `lists` is no split.
    """

    how_to_get: ClassVar[str] = "the lists are in benchmark/ of the paper's release; the frames are yours to extract"

    class Params(Layout.Params):
        """Options of `lst`."""

        lists: dict[Split, str | list[str]] = Field(
            min_length=1, description="Split to one or several .lst files, relative to the root or absolute."
        )

    params: Params

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        super().__init__(root, forgeries, **options)
        lists = self.params.lists
        self.lists = {split: [names] if isinstance(names, str) else list(names) for split, names in lists.items()}

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        lacking = [str(path) for paths in self._paths().values() for path in paths if not path.is_file()]
        return f"looked for the lists {', '.join(lacking)}: there are no such files" if lacking else None

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        test = ["original_c23/006/006_000012_0.png", "Deepfakes_c23/006_007/006_007_000012_0.png"]
        train = ["original_c23/000", "NeuralTextures_c23/000_001", "NeuralTextures_c40/000_001"]
        put(root, [*test, *(f"{folder}/x_000001_0.png" for folder in train)])
        write(root / "test.lst", f"{test[0]} REAL\n{test[1]} FAKE")
        write(root / "train.lst", f"{train[0]} REAL\n" * 4 + f"{train[1]} FAKE\n{train[2]} FAKE\n")
        videos = {
            "real/000": ("train", "000", ""),
            "NT/000_001": ("train", "000", "001"),
            "real/006": ("test", "006", ""),
            "DF/006_007": ("test", "006", "007"),
        }
        return Tiny(videos, ["DF", "NT"], {"lists": {"train": "train.lst", "test": ["test.lst"]}}, "c23")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every video that the lists name at this quality.

        Raises:
            ValueError: If a line is wrong, or a video is in two splits.
        """
        for (folder, name), listed in self._listed(quality).items():
            forgery = _FORGERIES[folder.rpartition("_")[0]]
            target, _, source = name.partition("_")
            taken, note = _compare(self.root / folder / name, listed.files) if listed.files else ("", "")
            yield VideoEntry(
                video=f"{forgery}/{name}",
                label=REAL_LABEL if forgery == REAL else FAKE_LABEL,
                forgery=forgery,
                split=listed.split,
                target=target,
                source=source,
                path=f"{folder}/{name}",
                note=note,
                taken=taken,
            )

    def _paths(self) -> dict[str, list[Path]]:
        return {split: [self.root / name for name in names] for split, names in self.lists.items()}

    def _listed(self, quality: str) -> dict[tuple[str, str], _Listed]:
        found: dict[tuple[str, str], _Listed] = {}
        for split, paths in self._paths().items():
            for path in paths:
                for number, line in enumerate(read_text(path).splitlines(), start=1):
                    match = _LINE.fullmatch(line.strip())
                    if not line.strip():
                        continue
                    if match is None or match["folder"] not in _FORGERIES:
                        raise ValueError(
                            f"{path} must have lines like 'Deepfakes_c23/000_003/000_003_000012_0.png FAKE', of "
                            f"{', '.join(_FORGERIES)}; line {number} is {line!r}. Take the file as it ships."
                        )
                    if (match["label"] == "REAL") != (_FORGERIES[match["folder"]] == REAL):
                        raise ValueError(
                            f"{path} must call original REAL and the rest FAKE; line {number} is {line!r}. "
                            "Take the file as it ships."
                        )
                    if _QUALITIES.get(match["quality"], match["quality"]) != quality:
                        continue
                    key = (f"{match['folder']}_{match['quality']}", match["video"])
                    listed = found.setdefault(key, _Listed(split))
                    if listed.split != split:
                        raise ValueError(
                            f"a video must be in one split; {'/'.join(key)} is in the lists of {listed.split} and "
                            f"{split}. Correct options.lists."
                        )
                    if match["file"]:
                        listed.files.add(match["file"])
        return found


def _compare(place: Path, listed: set[str]) -> tuple[str, str]:
    """Which images of a folder the lists name, and a note of the differences; both empty where it is missing."""
    try:
        if not place.is_dir():
            return "", ""
        absent = listed - set(listing(place))
        there = [path.name for path in images(place)]
    except PermissionError:  # the inventory reports it
        return "", ""
    except VideoError:  # the inventory reports that there are no images
        there = []
    others = set(there) - listed
    note = join_notes(
        f"{len(absent)} listed frames are not there, such as {min(absent)}" if absent else "",
        f"{len(others)} frames are in no list and left out, such as {min(others)}" if others else "",
    )
    return format_ranges(number for number, name in enumerate(there) if name in listed) if others else "", note
