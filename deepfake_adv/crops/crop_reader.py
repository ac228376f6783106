"""The bytes of single crops, read from crop files by offset."""

import errno
import zlib
from collections import OrderedDict
from io import FileIO
from pathlib import Path
from typing import Any, Final

OPEN_FILES: Final = 128
"""By one reader; a large dataset has hundreds, a process may often hold 1,024."""


class CorruptCrop(ValueError):
    """A crop that cannot be read."""


class CropReader:
    """Reads ranges of bytes and verifies their checksums; keeps files open, not what was read.

    A file is read, not mapped: one that is cut short meanwhile is an error in words, not a signal. Safe to send to
    another process, open files stay behind. One thread at a time.

    Args:
        root: Folder that the manifest's file paths start from.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._files: OrderedDict[str, FileIO] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": OrderedDict()}

    def read(self, file: str, offset: int, size: int, crc: int) -> bytes:
        """One value.

        Args:
            file: Its file, relative to the root.
            offset: Of its first byte.
            size: Bytes.
            crc: CRC-32 of them.

        Raises:
            CorruptCrop: If the file cannot be read, or its bytes are others.
            OSError: If this process has too many files open, which is no fault of the file's.
        """
        try:
            stream = self._open(file)
            stream.seek(offset)
            data = stream.read(size)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            raise CorruptCrop(str(error)) from error
        if len(data) != size:
            raise CorruptCrop(f"{len(data)} of {size} bytes")
        if zlib.crc32(data) != crc:
            raise CorruptCrop("bytes of another CRC checksum")
        return data

    def _open(self, file: str) -> FileIO:
        if file not in self._files:
            self._files[file] = open(self.root / file, "rb", buffering=0)  # noqa: SIM115
        self._files.move_to_end(file)
        while len(self._files) > OPEN_FILES:
            self._files.popitem(last=False)[1].close()
        return self._files[file]
