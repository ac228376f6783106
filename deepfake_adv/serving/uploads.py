"""Receives files: into a folder of their own, under a name that is not theirs, up to a limit."""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import unquote

from deepfake_adv.datasets.layouts.base import VIDEO_SUFFIXES
from deepfake_adv.serving.limits import ServeLimits
from deepfake_adv.video.picture import SUFFIXES

LONGEST_NAME: Final = 120
NAMELESS: Final = "the file"
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Refused(ValueError):
    """An upload that is not taken.

    Args:
        status: Of the answer.
        message: One sentence.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def shown_name(header: str | None) -> str:
    """What to call an upload: the last part of its percent-encoded name, for people to read and never for the disk."""
    name = unquote(header or "", errors="replace")
    name = PurePosixPath(PureWindowsPath(name).as_posix()).name
    name = _UNSEEN.sub("", name).strip()
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"
    return name or NAMELESS


def suffix_of(name: str) -> str:
    """The suffix of a name where it is a known one, which says picture or video; else that of no kind."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in VIDEO_SUFFIXES | SUFFIXES else ".upload"


def check_length(headers: Mapping[str, str], limits: ServeLimits, folder: Path) -> None:
    """Refuse an upload that is too large before a byte of it is read.

    Raises:
        Refused: If the length that it states is above the limit, or the disk has no room for it.
    """
    stated = headers.get("content-length", "0")
    length = int(stated) if stated.isdigit() else 0
    if length > limits.file_bytes:
        raise Refused(413, _too_large(f"{length:,} bytes", limits))
    if shutil.disk_usage(folder).free < (length or limits.file_bytes) + limits.spare_bytes:
        raise Refused(507, "the server's disk must have room for the file; it has too little. Tell who runs it.")


async def receive(chunks: AsyncIterator[bytes], path: Path, limits: ServeLimits) -> int:
    """Write an upload to `path`; gives its length in bytes.

    Raises:
        Refused: If it is empty, larger than the limit, or takes too long.
        OSError: If the disk is full.
    """
    length = 0
    try:
        async with asyncio.timeout(limits.upload_seconds):
            with open(path, "xb") as stream:
                async for chunk in chunks:
                    length += len(chunk)
                    if length > limits.file_bytes:
                        raise Refused(413, _too_large("more", limits))
                    stream.write(chunk)
    except TimeoutError:
        raise Refused(
            408, f"a file must be uploaded within {limits.upload_seconds:g} s; this one took longer. Try a smaller one."
        ) from None
    if not length:
        raise Refused(400, "a file must hold something; got an empty one. Choose another.")
    return length


def _too_large(got: str, limits: ServeLimits) -> str:
    return f"a file must have at most {limits.file_bytes:,} bytes; got {got}. Cut or shrink it."


class Folders:
    """Folders of the uploads in work; what is not in work any more is removed.

    Args:
        root: A folder of this server alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._used: set[Path] = set()

    def make(self) -> Path:
        """A new empty folder that others cannot read."""
        folder = self.root / secrets.token_hex(16)
        self._used.add(folder)
        folder.mkdir(mode=0o700)
        return folder

    def drop(self, folder: Path) -> None:
        """Remove a folder now, or as soon as whoever still writes into it has ended."""
        self._used.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)

    async def sweep(self, every: float = 1.0) -> None:
        """Remove what a killed process wrote after its folder had been removed; runs until it is cancelled."""
        while True:
            await asyncio.sleep(every)
            with suppress(OSError):
                for folder in self.root.iterdir():
                    if folder not in self._used:
                        shutil.rmtree(folder, ignore_errors=True)
