"""The base class of all layouts, and how they find folders and files."""

import errno
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from deepfake_adv.datasets.layouts.published import Published
from deepfake_adv.datasets.layouts.tiny import Tiny
from deepfake_adv.datasets.videos import VideoEntry
from deepfake_adv.names import FF_FOLDERS, Forgery, is_forgery_name
from deepfake_adv.params.base import Section

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".m4v"})


class Layout(ABC):
    """How the files of one dataset are arranged on a disk.

    Attributes:
        how_to_get: How to obtain the dataset.
        own_forgeries: Forgeries that are meant where params name none.
        free_forgeries: Whether they may have names of one's own.
        exact_identities: Whether targets and sources name people, so that leaks can be proven.
        params: Its `Params`, read from the options.

    Args:
        root: The dataset's folder.
        forgeries: Forgeries to expect; without effect on a layout with one kind of fake of its own.
        options: Fields of `Params`.

    Raises:
        ValueError: If an option or a forgery is none of the layout's.
    """

    class Params(Section):
        """Options of the dataset in params.yaml."""

    params: Any
    how_to_get: ClassVar[str]
    own_forgeries: ClassVar[tuple[str, ...]] = ()
    free_forgeries: ClassVar[bool] = False
    exact_identities: ClassVar[bool] = True

    def __init__(self, root: Path | str, forgeries: Sequence[str] = (), **options: Any) -> None:
        self.root = Path(root)
        self.params = self.Params.read(options)
        self.forgeries = self.checked(forgeries)

    @classmethod
    def checked(cls, forgeries: Sequence[str]) -> tuple[str, ...]:
        """The forgeries to expect.

        Raises:
            ValueError: If one of them is none of the layout's.
        """
        known = list(map(str, Forgery))
        unknown = [name for name in forgeries if not (is_forgery_name(name) if cls.free_forgeries else name in known)]
        if unknown:
            form = "names of letters, digits, _ and -" if cls.free_forgeries else f"of {', '.join(known)}"
            raise ValueError(f"forgeries must be {form}; got {', '.join(unknown)}. Rename or remove them.")
        return tuple(map(str, forgeries))

    @abstractmethod
    def videos(self, quality: str) -> Iterator[VideoEntry]:
        """Every video that the dataset should have at a quality, whether it exists or not, each once."""

    @classmethod
    def tiny(cls, root: Path) -> Tiny:
        """Write this dataset in miniature below `root`, for the tests that every layout passes."""
        raise NotImplementedError(f"{cls.__name__} must define `tiny`, a small example of its files, for tests")

    def expected(self, quality: str) -> dict[str, int]:
        """Published numbers of videos by forgery; empty where lists name every video."""
        return {}

    def published(self, quality: str) -> list[Published]:
        """Size of the complete dataset, for a plan before it is on the disk; empty if not published."""
        return []

    def problem(self) -> str | None:
        """Why there is no dataset at the root, in one sentence; None where there is one."""
        if not self.root.exists():
            return f"looked in {self.root}: there is no such folder"
        if not self.root.is_dir():
            return f"looked in {self.root}: it is no folder"
        try:
            empty = not os.listdir(self.root)
        except OSError as error:
            return f"looked in {self.root}: it cannot be listed ({error.strerror}); give read permission"
        return f"looked in {self.root}: the folder is empty" if empty else None


def faceforensics_forgeries(forgeries: Sequence[str]) -> tuple[str, ...]:
    """The forgeries of FaceForensics++ to expect, for layouts that have several of them.

    Raises:
        ValueError: If one of them is no forgery of FaceForensics++.
    """
    unknown = [str(name) for name in forgeries if name not in FF_FOLDERS]
    if unknown:
        raise ValueError(
            f"forgeries must be of {', '.join(FF_FOLDERS)}; got {', '.join(unknown)}. "
            "Other datasets have layouts of their own."
        )
    return tuple(map(str, forgeries))


def child(parent: Path, *names: str) -> Path:
    """A folder or file below `parent` by its names, in the right case or, with a warning, in another.

    Returns:
        The path found, else the path as it should be.

    Raises:
        ValueError: If several names differ from the right one in case only.
    """
    path = parent
    for name in names:
        if not (path / name).exists():
            found = [other for other in listing(path) if other.casefold() == name.casefold()]
            if len(found) > 1:
                raise ValueError(f"{path} must hold one {name}; got {', '.join(found)}. Merge them.")
            if found:
                logger.warning("%s is written %s here; taken all the same", path / name, found[0])
                name = found[0]
        path = path / name
    return path


def listing(folder: Path) -> list[str]:
    """Names in a folder, sorted; none where there is no such folder.

    Raises:
        PermissionError: If the folder may not be listed.
    """
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        # with its errno and name, so that the error message can name the folder
        raise PermissionError(
            errno.EACCES, "permission was denied; give read permission, or leave the dataset out", str(folder)
        ) from error


def video_names(folder: Path) -> list[str]:
    """Names of the videos in a folder, sorted; hidden files do not count."""
    return [
        name
        for name in listing(folder)
        if os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES and not name.startswith(".")
    ]


def files_by_name(folder: Path) -> dict[str, str]:
    """The videos in a folder by their names without suffix, so that one in another format is found too."""
    return {os.path.splitext(name)[0]: name for name in video_names(folder)}


def relative(path: Path, root: Path) -> str:
    """`path` relative to `root`, with "/"; through ".." where it is not below."""
    return Path(os.path.relpath(path, root)).as_posix()
