"""Celeb-DF, version 1 or 2, flat as it ships or with a folder videos/ in each of its three."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from deepfake_adv.datasets.layouts.base import Layout, child, relative, video_names
from deepfake_adv.datasets.layouts.published import Published
from deepfake_adv.datasets.layouts.registry import register_layout
from deepfake_adv.datasets.layouts.tiny import Tiny, put, write
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.files import read_text
from deepfake_adv.names import FAKE_LABEL, REAL, REAL_LABEL, Forgery, Split

_REALS = ("Celeb-real", "YouTube-real")
_FAKES = "Celeb-synthesis"
_LIST = "List_of_testing_videos.txt"
_TESTED = {REAL: 178, str(Forgery.CELEB): 340}  # by the official list of version 2
_LENGTH = 13 * 30  # frames: 13 seconds on average, as published
_NUMBERS = {2: {REAL: 590 + 300, str(Forgery.CELEB): 5639}}


@register_layout("celebdf")
class CelebDF(Layout):
    """Celebrities swapped with each other: idA_idB_NNNN has idB's face on the video idA_NNNN.

    The official list names the test videos; its label is 1 for real and 0 for fake, against most code.

    Args:
        root: Folder with Celeb-real, YouTube-real, Celeb-synthesis and List_of_testing_videos.txt.
        forgeries: See `Layout`.
        options: See `Layout`.

    Raises:
        ValueError: If `version` or `rest` is unknown.
    """

    how_to_get: ClassVar[str] = "ask for it by the form at github.com/yuezunli/celeb-deepfakeforensics"

    own_forgeries = (Forgery.CELEB,)

    class Params(Layout.Params):
        """Options of `celebdf`."""

        version: Literal[1, 2] = Field(2, description="Of Celeb-DF.")
        rest: Literal["none", "train"] = Field(
            "none",
            description="Split of videos that the list does not name: none; train, for those without an identity of "
            "a test video.",
        )
        published: bool = Field(True, description="Expect as many videos as were published; false for one's own.")

    params: Params

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        super().__init__(root, forgeries, **options)
        self.version, self.rest = self.params.version, self.params.rest

    def problem(self) -> str | None:
        """See `Layout.problem`."""
        if (problem := super().problem()) is not None:
            return problem
        if not child(self.root, _LIST).is_file():
            return f"looked in {self.root}: it holds no {_LIST}, which ships with the videos"
        return None

    def expected(self, quality: str) -> dict[str, int]:
        """Published numbers, of version 2, where the published videos are expected."""
        return _NUMBERS.get(self.version, {}) if self.params.published else {}

    def published(self, quality: str) -> list[Published]:
        """The official list's videos and the others, of version 2; with `rest: train` all others are counted."""
        others = Split.TRAIN if self.rest == "train" else ""
        return [
            Published(kind, split, videos, frames=_LENGTH)
            for kind, count in self.expected(quality).items()
            for split, videos in ((Split.TEST, _TESTED[kind]), (others, count - _TESTED[kind]))
        ]

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """See `Layout.tiny`."""
        put(root, [f"Celeb-real/id{number}_0000.mp4" for number in range(4)])
        put(root, [f"YouTube-real/{name}.mp4" for name in ("00000", "00001")])
        put(root, [f"{_FAKES}/{name}_0000.mp4" for name in ("id0_id1", "id2_id3", "id1_id2")])
        write(root / _LIST, f"1 YouTube-real/00000.mp4\n1 Celeb-real/id0_0000.mp4\n0 {_FAKES}/id0_id1_0000.mp4\n")
        reals = {f"real/id{number}_0000": ("" if number else "test", f"id{number}_0000", "") for number in range(4)}
        videos = {
            **reals,
            "real/00000": ("test", "00000", ""),
            "real/00001": ("", "00001", ""),
            "CelebDF/id0_id1_0000": ("test", "id0_0000", "id1"),
            "CelebDF/id2_id3_0000": ("", "id2_0000", "id3"),
            "CelebDF/id1_id2_0000": ("", "id1_0000", "id2"),
        }
        return Tiny(videos, ["CelebDF"], {}, "native")

    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every video on the disk, and the missing ones of the list; a video in another format is not missing."""
        listed = {_plain(path): path for path in self._listed()}
        tested = {name for plain in listed for name in _identities(plain)}
        for folder in (*_REALS, _FAKES):
            place = child(self.root, folder)
            place = place / "videos" if (place / "videos").is_dir() else place
            there = {f"{folder}/{name}" for name in video_names(place)}
            plain_there = {_plain(path) for path in there}
            lost = {
                path for plain, path in listed.items() if plain.startswith(f"{folder}/") and plain not in plain_there
            }
            for path in sorted(there | lost):
                plain = _plain(path)
                split, note = "", "not in the official test list"
                if plain in listed:
                    split, note = Split.TEST, ""
                elif self.rest == "train" and not tested & set(_identities(plain)):
                    split, note = Split.TRAIN, ""
                elif self.rest == "train":
                    note = "shares an identity with the official test list"
                yield self._entry(folder, place / Path(path).name, split, note)

    def _entry(self, folder: str, path: Path, split: str, note: str) -> VideoEntry:
        fake = folder == _FAKES
        name = path.stem
        target, source = _people(name) if fake else (name, "")
        forgery = Forgery.CELEB if fake else REAL
        return VideoEntry(
            video=f"{forgery}/{name}",
            label=FAKE_LABEL if fake else REAL_LABEL,
            forgery=forgery,
            split=str(split),
            target=target,
            source=source,
            path=relative(path, self.root),
            note=note,
        )

    def _listed(self) -> list[str]:
        """The official list: <folder>/<file> of each line."""
        path = child(self.root, _LIST)
        listed = []
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            if not line.strip():
                continue
            label, _, video = line.strip().partition(" ")
            folder, _, name = video.strip().rpartition("/")
            folder = next((known for known in (*_REALS, _FAKES) if known.casefold() == folder.casefold()), folder)
            if label not in ("0", "1") or folder not in (*_REALS, _FAKES):
                raise ValueError(
                    f"{path} must have lines like '1 YouTube-real/00170.mp4'; line {number} is {line!r}. "
                    "Take the file as it ships."
                )
            if (label == "1") == (folder == _FAKES):
                raise ValueError(
                    f"{path} must have 1 for real and 0 for fake; line {number} is {line!r}. Take the file as it ships."
                )
            listed.append(f"{folder}/{name}")
        return listed


def _people(name: str) -> tuple[str, str]:
    """id0_id1_0003: the original id0_0003, and the face id1."""
    match = re.fullmatch(r"(id\d+)_(id\d+)_(\d+)", name)
    return (f"{match[1]}_{match[3]}", match[2]) if match else (name, "")


def _plain(path: str) -> str:
    """<folder>/<file> without the suffix: 00001.MP4 and 00001.avi are the list's 00001.mp4."""
    return path.removesuffix(Path(path).suffix)


def _identities(plain: str) -> list[str]:
    """Identities in a video: ids of celebrities, or the video itself where its name has none."""
    name = Path(plain).name
    return re.findall(r"id\d+", name) or [plain]
